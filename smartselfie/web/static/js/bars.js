// The seven probabilities of a face as bars.

import { el } from "./dom.js";

export const CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];

export const percent = (value) => `${Math.round(value * 100)} %`;

export class Bars {
  #rows = new Map();

  constructor(label = "Expressions") {
    this.element = el("ul", { class: "bars", "aria-label": label });
    for (const name of CLASSES) {
      const fill = el("div", { class: "fill" });
      const value = el("span", { class: "value" }, "–");
      const row = el("li", { class: name }, el("span", {}, name), el("div", { class: "track" }, fill), value);
      this.#rows.set(name, { row, fill, value });
      this.element.append(row);
    }
  }

  /** Show scores by class name, or nothing for null. */
  show(scores) {
    let top = null;
    if (scores) top = CLASSES.reduce((best, name) => (scores[name] > scores[best] ? name : best));
    for (const [name, { row, fill, value }] of this.#rows) {
      fill.style.setProperty("--value", scores ? scores[name] : 0);
      value.textContent = scores ? percent(scores[name]) : "–";
      row.classList.toggle("top", name === top);
    }
  }
}
