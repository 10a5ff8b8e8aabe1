// The probabilities of a face as bars: FER2013's seven classes, or those of another network.

import { el } from "./dom.js";

export const CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];

export const percent = (value) => `${Math.round(value * 100)} %`;

export class Bars {
  #rows = new Map();

  constructor(label = "Expressions") {
    this.element = el("ul", { class: "bars", "aria-label": label });
    this.#build(CLASSES);
  }

  #build(classes) {
    this.#rows.clear();
    this.element.replaceChildren();
    for (const name of classes) {
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
    if (scores) {
      const classes = Object.keys(scores);
      if (classes.length !== this.#rows.size || !classes.every((name) => this.#rows.has(name))) this.#build(classes);
      top = classes.reduce((best, name) => (scores[name] > scores[best] ? name : best));
    }
    for (const [name, { row, fill, value }] of this.#rows) {
      fill.style.setProperty("--value", scores ? scores[name] : 0);
      value.textContent = scores ? percent(scores[name]) : "–";
      row.classList.toggle("top", name === top);
    }
  }
}
