// Small helpers to build and find elements; no text ever becomes markup.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (selector, root = document) => root.querySelector(selector);

/** Make an element: el("p", {class: "quiet", onclick: f}, "text", child). */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(made.dataset, value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An icon of the page's sprite; it says nothing to screen readers. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}

/** An SVG circle for dials. */
export function circle(attributes) {
  const made = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function svg(attributes, ...children) {
  const made = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Show a message for a few seconds; screen readers say it. */
export function toast(text, { bad = false } = {}) {
  const made = el("p", { class: bad ? "toast bad" : "toast" }, text);
  const box = $("#toasts");
  box.append(made);
  while (box.children.length > 3) box.firstChild.remove();
  box.hidePopover(); // shown anew it lies over a dialog that opened meanwhile
  box.showPopover();
  setTimeout(
    () => {
      made.remove();
      if (!box.children.length) box.hidePopover();
    },
    bad ? 8000 : 4000,
  );
}

/** Ask before something that cannot be undone; resolves to true or false. */
export function ask({ title, text, yes }) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-title" },
      el("h2", { id: "ask-title" }, title),
      el("p", {}, text),
      el(
        "div",
        { class: "buttons" },
        el("button", { class: "button", type: "button", onclick: () => dialog.close("no") }, "Cancel"),
        el("button", { class: "button danger main", type: "button", onclick: () => dialog.close("yes") }, yes),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
