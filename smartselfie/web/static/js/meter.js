// P(happy) over the last 30 seconds against the threshold.

import { prepare } from "./overlay.js";

const SPAN = 30;

export class Meter {
  #points = []; // {at, value}: seconds of the page's clock, null where there was no face
  #shots = [];
  #threshold = 0.6;

  constructor(canvas) {
    this.canvas = canvas;
  }

  add(at, value, threshold) {
    this.#threshold = threshold;
    this.#points.push({ at, value });
    while (this.#points.length && this.#points[0].at < at - SPAN - 1) this.#points.shift();
    while (this.#shots.length && this.#shots[0] < at - SPAN - 1) this.#shots.shift();
  }

  mark(at) {
    this.#shots.push(at);
  }

  draw(now) {
    const { context, width, height } = prepare(this.canvas);
    const style = getComputedStyle(this.canvas);
    const accent = style.getPropertyValue("--accent");
    const pad = 8;
    const place = (at) => width - ((now - at) / SPAN) * width;
    const level = (value) => pad + (1 - value) * (height - 2 * pad);
    const limit = level(this.#threshold);

    context.strokeStyle = style.getPropertyValue("--line-strong");
    context.setLineDash([4, 4]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, limit);
    context.lineTo(width, limit);
    context.stroke();
    context.setLineDash([]);

    for (const run of this.#runs()) {
      context.beginPath();
      for (const { at, value } of run) context.lineTo(place(at), level(value));
      const last = run[run.length - 1];
      context.strokeStyle = style.getPropertyValue("--accent-text");
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.stroke();
      context.lineTo(place(last.at), height);
      context.lineTo(place(run[0].at), height);
      context.closePath();
      context.globalAlpha = 0.28;
      context.fillStyle = accent;
      context.fill();
      context.globalAlpha = 1;
    }
    for (const at of this.#shots) {
      context.fillStyle = style.getPropertyValue("--text");
      context.beginPath();
      context.arc(place(at), pad, 4, 0, Math.PI * 2);
      context.fill();
    }
  }

  /** Stretches with a face, cut where there was none or nothing came. */
  *#runs() {
    let run = [];
    for (const point of this.#points) {
      const gap = run.length && point.at - run[run.length - 1].at > 1.5;
      if ((point.value === null || gap) && run.length) {
        yield run;
        run = [];
      }
      if (point.value !== null) run.push(point);
    }
    if (run.length) yield run;
  }
}
