// One control for each kind of setting. A control has an element, and calls `change(value)` with a new value.

import { el } from "./dom.js";

const TIMES = [["ms", 0.001], ["s", 1], ["min", 60], ["h", 3600], ["days", 86400]];
const SIZES = [["MB", 1e6], ["GB", 1e9]];

/** Make the control of a setting, or null for a kind that a page cannot show. */
export function makeControl(setting, id, change) {
  if (setting.nullable) return optional(setting, id, change);
  return plain(setting, id, setting.value, change);
}

function plain(setting, id, value, change) {
  switch (setting.kind) {
    case "switch":
    case "section":
      return toggle(setting, id, value, change);
    case "number":
    case "integer":
      return number(setting, id, value, change);
    case "duration":
      return quantity(setting, id, value, change, TIMES);
    case "size":
      return quantity(setting, id, value, change, SIZES);
    case "choice":
      return choice(id, setting.choices, value, change);
    case "auto_switch":
      return choice(id, ["auto", true, false], value, change, { true: "always", false: "never" });
    case "policy":
      return policy(setting, id, value, change);
    case "hold":
      return hold(id, value, change);
    case "picture_size":
      return pictureSize(setting, id, value, change);
    case "name":
    case "text":
      return text(id, value, change);
    default:
      return null;
  }
}

function toggle(setting, id, value, change) {
  const input = el("input", { type: "checkbox", role: "switch", id, onchange: () => change(input.checked) });
  input.checked = value === true;
  input.setAttribute("aria-label", setting.title);
  return el("label", { class: "switch" }, input, el("span", { class: "knob" }));
}

/** Off (null), or a value. */
function optional(setting, id, change) {
  const start = setting.value ?? example(setting);
  const inner = plain(setting, id, start, change);
  if (!inner) return null;
  const box = el("input", { type: "checkbox", role: "switch", id: `${id}-on` });
  box.setAttribute("aria-label", `${setting.title}: use it`);
  box.checked = setting.value !== null;
  inner.hidden = !box.checked;
  box.addEventListener("change", () => {
    inner.hidden = !box.checked;
    change(box.checked ? start : null);
  });
  return el("div", { class: "control" }, inner, el("label", { class: "switch" }, box, el("span", { class: "knob" })));
}

/** What an optional setting begins with when it is switched on. */
function example(setting) {
  if (setting.kind === "duration" || setting.kind === "size") return parse(setting.example) ?? setting.minimum ?? 1;
  if (setting.kind === "choice") return setting.choices[0];
  return setting.example ?? setting.minimum ?? 0.5;
}

function parse(written) {
  const found = /^([\d.]+)(ms|s|m|h|d|kB|MB|GB)$/.exec(written ?? "");
  const units = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, kB: 1e3, MB: 1e6, GB: 1e9 };
  return found ? Number(found[1]) * units[found[2]] : null;
}

function number(setting, id, value, change) {
  const whole = setting.kind === "integer";
  const low = setting.minimum ?? setting.exclusive_minimum ?? 0;
  const high = setting.maximum;
  const share = !whole && high !== null && high <= 2;
  const step = whole ? 1 : share ? 0.01 : "any";
  const input = el("input", { class: "field", type: "number", id, step, min: low, max: high, value: round(value) });
  input.addEventListener("change", () => {
    const given = input.valueAsNumber;
    if (!Number.isNaN(given)) change(whole ? Math.round(given) : given);
  });
  const parts = [input];
  if (setting.unit) parts.push(el("span", { class: "unit" }, setting.unit));
  if (share || (whole && high !== null && high <= 100)) parts.unshift(slider(setting, input, low, high, step));
  return el("div", { class: "control" }, ...parts);
}

/** A slider beside a number: both are the same value. */
function slider(setting, input, low, high, step) {
  const range = el("input", { type: "range", min: low, max: high, step, value: input.value });
  range.setAttribute("aria-label", `${setting.title}, slider`);
  const fill = () => range.style.setProperty("--filled", `${((range.value - low) / (high - low)) * 100}%`);
  range.addEventListener("input", () => {
    input.value = range.value;
    fill();
  });
  range.addEventListener("change", () => input.dispatchEvent(new Event("change")));
  input.addEventListener("change", () => {
    range.value = input.value;
    fill();
  });
  fill();
  return range;
}

/** A number with a unit to choose; the value is in the smallest one's base (seconds, bytes). */
function quantity(setting, id, value, change, units) {
  const high = setting.maximum ?? Infinity;
  const fitting = units.filter(([, factor], index) => index < 2 || factor <= high);
  let at = fitting.findLastIndex(([, factor]) => value >= factor && Number.isInteger(round(value / factor)));
  if (at < 0) at = units === TIMES ? 1 : 0;
  if (units === TIMES && value === 0) at = 1;
  const input = el("input", { class: "field", type: "number", id, min: 0, step: "any", value: round(value / fitting[at][1]) });
  const unit = el(
    "select",
    { class: "field" },
    ...fitting.map(([name], index) => el("option", { value: name, selected: index === at }, name)),
  );
  unit.setAttribute("aria-label", `${setting.title}, unit`);
  const tell = () => {
    const given = input.valueAsNumber * fitting[unit.selectedIndex][1];
    if (!Number.isNaN(given)) change(units === SIZES ? Math.round(given) : round(given));
  };
  input.addEventListener("change", tell);
  unit.addEventListener("change", tell);
  return el("div", { class: "control" }, input, unit);
}

function choice(id, choices, value, change, names = {}) {
  const select = el(
    "select",
    { class: "field", id, onchange: () => change(choices[select.selectedIndex]) },
    ...choices.map((each) => el("option", { selected: each === value }, (names[String(each)] ?? String(each)).replaceAll("_", " "))),
  );
  return select;
}

const POLICIES = { any: "anyone", all: "everyone", largest: "the nearest face", count: "a number of faces" };

function policy(setting, id, value, change) {
  const counted = typeof value === "number";
  const count = el("input", { class: "field", type: "number", min: 1, max: 50, step: 1, value: counted ? value : 2 });
  count.setAttribute("aria-label", "How many faces");
  count.hidden = !counted;
  const names = [...setting.choices, "count"];
  const select = el("select", { class: "field", id }, ...names.map((name) => el("option", { value: name, selected: name === (counted ? "count" : value) }, POLICIES[name] ?? name)));
  const tell = () => {
    count.hidden = select.value !== "count";
    change(count.hidden ? select.value : Math.max(1, Math.round(count.valueAsNumber || 1)));
  };
  select.addEventListener("change", tell);
  count.addEventListener("change", tell);
  return el("div", { class: "control" }, count, select);
}

function hold(id, value, change) {
  const frames = typeof value === "number";
  const input = el("input", { class: "field", type: "number", id, min: 1, step: 1, value: frames ? value : Math.round(parse(value) * 1000) });
  const unit = el("select", { class: "field" }, el("option", { selected: frames }, "frames"), el("option", { selected: !frames }, "ms"));
  unit.setAttribute("aria-label", "Hold, unit");
  const tell = () => {
    const given = Math.round(input.valueAsNumber);
    if (!Number.isNaN(given)) change(unit.selectedIndex === 0 ? given : `${given}ms`);
  };
  input.addEventListener("change", tell);
  unit.addEventListener("change", () => {
    input.value = unit.selectedIndex === 0 ? 10 : 400; // about the same at 25 frames a second
    tell();
  });
  return el("div", { class: "control" }, input, unit);
}

function pictureSize(setting, id, value, change) {
  const fields = value.map((side, index) => {
    const input = el("input", { class: "field", type: "number", min: 16, max: 16384, step: 1, value: side, id: index ? undefined : id });
    input.setAttribute("aria-label", `${setting.title}, ${index ? "height" : "width"}`);
    return input;
  });
  for (const field of fields) field.addEventListener("change", () => change(fields.map((each) => Math.round(each.valueAsNumber))));
  return el("div", { class: "control" }, fields[0], el("span", { class: "unit" }, "×"), fields[1]);
}

function text(id, value, change) {
  return el("input", { class: "field", type: "text", id, value, maxlength: 100, onchange: (event) => change(event.target.value) });
}

function round(value) {
  return Math.round(value * 1e6) / 1e6;
}
