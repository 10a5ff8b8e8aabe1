// The view "Settings": every change applies at once where it can; saving writes the settings file.

import { api } from "./api.js";
import { makeControl } from "./controls.js";
import { $, el, icon, toast } from "./dom.js";

const SECTIONS = {
  trigger: ["When to shoot", "the smile that counts"],
  moment: ["The best frame", "which picture of the smile is kept"],
  saver: ["The files", "format and name"],
  storage: ["Space", "how much the pictures may take"],
  window: ["The window", "on the machine's own screen"],
  performance: ["Speed", "how much of the machine it may use"],
  source: ["The camera", "size, rate and patience"],
  detector: ["Finding faces", "how they are searched"],
  gpio: ["Lamps and buttons", "pins of a Raspberry Pi"],
};
const OPEN = ["trigger", "moment"];

export class SettingsView {
  #file = null;
  #unsaved = new Set();
  #rows = new Map();

  constructor() {
    this.element = el(
      "section",
      { class: "settings", "aria-labelledby": "settings-title" },
      el("div", { class: "head" }, el("div", {}, el("h1", { id: "settings-title" }, "Settings"), el("p", { class: "quiet" }, "Changes apply at once. Save them to keep them after a restart."))),
      el("div", { id: "groups" }),
      el(
        "div",
        { class: "save-bar", hidden: true },
        el("p", { role: "status" }),
        el("button", { class: "button", type: "button", onclick: () => this.#discard() }, "Discard"),
        el("button", { class: "button main", type: "button", onclick: () => this.#save() }, "Save"),
      ),
    );
  }

  async enter() {
    try {
      this.#take(await api.get("/settings"));
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }

  leave() {}

  #take(body) {
    this.#file = body.file;
    this.#unsaved = new Set(body.unsaved);
    this.#draw(body.settings);
    this.#drawBar();
  }

  #draw(settings) {
    const open = new Map([...this.element.querySelectorAll("details")].map((group) => [group.dataset.section, group.open]));
    this.#rows.clear();
    const groups = Object.entries(SECTIONS).map(([section, [title, text]]) => {
      const rows = settings.filter((each) => each.section === section).map((each) => this.#row(each));
      const group = el(
        "details",
        { class: "card group", dataset: { section } },
        el("summary", {}, el("h2", {}, title), el("span", { class: "quiet" }, text), icon("right")),
        ...rows.filter(Boolean),
      );
      group.open = open.get(section) ?? OPEN.includes(section);
      return group;
    });
    $("#groups", this.element).replaceChildren(...groups);
  }

  #row(setting) {
    const id = `set-${setting.key.replace(".", "-")}`;
    const control = makeControl(setting, id, (value) => this.#change(setting, value));
    if (!control) return null;
    const error = el("p", { class: "error", id: `${id}-error`, role: "alert", hidden: true });
    const unsaved = el("span", { class: "badge unsaved" }, "not saved");
    unsaved.hidden = !this.#unsaved.has(setting.key);
    const title = setting.kind === "section" ? "Choose the best frame" : setting.title;
    const row = el(
      "div",
      { class: "setting", dataset: { key: setting.key } },
      el(
        "div",
        {},
        el(
          "div",
          { class: "name" },
          el("label", { for: id }, title),
          setting.live ? null : el("span", { class: "badge" }, "needs a restart"),
          unsaved,
        ),
        el("p", { class: "help", id: `${id}-help` }, setting.kind === "section" ? "Off: plainly the last frame of the hold." : setting.help.replace(/\bnull:/g, "Off:")),
      ),
      control.classList.contains("control") ? control : el("div", { class: "control" }, control),
      error,
    );
    for (const input of row.querySelectorAll("input, select")) input.setAttribute("aria-describedby", `${id}-help ${id}-error`);
    this.#rows.set(setting.key, { row, error, unsaved });
    return row;
  }

  async #change(setting, value) {
    const { error } = this.#rows.get(setting.key);
    try {
      const answer = await api.patch("/settings", { values: { [setting.key]: value } });
      error.hidden = true;
      this.#file = answer.file;
      this.#unsaved = new Set(answer.unsaved);
      if (setting.kind === "section") this.#draw(answer.settings);
      if (answer.restart.includes(setting.key)) toast("This takes effect after saving and a restart.");
    } catch (failure) {
      error.textContent = failure.message;
      error.hidden = false;
    }
    this.#drawBar();
  }

  #drawBar() {
    for (const [key, { unsaved }] of this.#rows) unsaved.hidden = !this.#unsaved.has(key);
    const count = this.#unsaved.size;
    const bar = $(".save-bar", this.element);
    bar.hidden = count === 0;
    $("p", bar).textContent = count === 1 ? "1 change is not saved" : `${count} changes are not saved`;
    const save = $(".button.main", bar);
    save.textContent = this.#file ? `Save to ${this.#file}` : "Save";
  }

  async #save() {
    try {
      const saved = await api.post("/settings/save", {});
      toast(saved.restart.length ? `Saved to ${saved.file}. Restart to apply ${saved.restart.join(", ")}.` : `Saved to ${saved.file}.`);
      await this.enter();
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }

  async #discard() {
    try {
      this.#take(await api.post("/settings/discard"));
      toast("The changes are taken back.");
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }
}
