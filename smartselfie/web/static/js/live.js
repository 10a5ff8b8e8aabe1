// The view "Live": picture, overlay, why it does not fire, and the shutter.

import { api } from "./api.js";
import { Bars, percent } from "./bars.js";
import { $, circle, el, svg, toast } from "./dom.js";
import { Meter } from "./meter.js";
import { drawOverlay, faceAt } from "./overlay.js";

const STATES = {
  watching: "Watching",
  holding: "Hold that smile",
  countdown: "Get ready",
  resting: "Got it",
  disarmed: "Not armed",
};
const LOST = {
  unplugged: "The camera is unplugged",
  stalled: "The camera gives no pictures",
  frozen: "The camera shows a frozen picture",
  black: "The camera shows only black",
};
const now = () => performance.now() / 1000;

export class LiveView {
  #socket;
  #view = null;
  #chosen = null;
  #bars = new Bars("Expressions of the face");
  #said = "";
  #slideTimer = 0;
  #armTimer = 0;
  #gone = null; // why there is no picture: { title, text }

  constructor(socket) {
    this.#socket = socket;
    this.element = this.#build();
    this.#meter = new Meter($(".meter canvas", this.element));
    socket.addEventListener("picture", ({ detail }) => this.#show(detail));
    socket.addEventListener("event", ({ detail }) => this.#hear(detail));
    socket.addEventListener("link", ({ detail }) => {
      if (detail === "lost") this.#lost("The connection is lost", "It comes back by itself.");
    });
  }

  #meter;

  enter() {
    this.#socket.wanted = true;
    this.#showCamera(this.#socket.camera);
    this.#showNewest();
  }

  leave() {
    this.#socket.wanted = false;
  }

  #build() {
    const dial = svg(
      { class: "dial", viewBox: "0 0 52 52", "aria-hidden": "true" },
      circle({ cx: 26, cy: 26, r: 22, pathLength: 100 }),
      circle({ cx: 26, cy: 26, r: 22, pathLength: 100, class: "done", "data-empty": "" }),
    );
    const overlay = el("canvas", { class: "overlay", "aria-hidden": "true" });
    overlay.addEventListener("click", (event) => {
      if (this.#view) this.#choose(faceAt(overlay, this.#view, event));
    });
    return el(
      "section",
      { class: "live", "aria-labelledby": "live-title" },
      el(
        "div",
        { class: "main-column" },
        el(
          "div",
          { class: "stage" },
          el("h1", { id: "live-title", class: "visually-hidden" }, "Live"),
          el("canvas", { class: "picture", role: "img", "aria-label": "The camera's picture, live" }),
          overlay,
          el("div", { class: "chips" }, el("span", { class: "chip state" }, "Starting"), el("span", { class: "chip fps" })),
          el("div", { class: "lost-note", role: "alert", hidden: true }, el("strong"), el("span")),
          el("div", { class: "flash" }),
        ),
        el(
          "div",
          { class: "card meter" },
          el(
            "div",
            { class: "meter-head" },
            el("h2", {}, "Happy, last 30 s"),
            el("span", { class: "quiet numbers", id: "threshold" }),
          ),
          el("canvas", { role: "img", "aria-label": "Probability of what is wanted over the last 30 seconds" }),
        ),
      ),
      el(
        "div",
        { class: "side-column" },
        el(
          "div",
          { class: "card why" },
          dial,
          el("p", {}, el("strong", { id: "state" }, "Starting"), el("span", { id: "why" }, "Waiting for the first picture")),
          el("p", { class: "visually-hidden", role: "status", id: "spoken" }),
        ),
        el("div", { class: "notices", id: "notices", hidden: true }),
        el(
          "div",
          { class: "card faces" },
          el(
            "div",
            { class: "faces-head" },
            el("h2", { id: "faces-title" }, "No face"),
            el("div", { class: "faces-pick", role: "group", "aria-label": "Which face" }),
          ),
          this.#bars.element,
        ),
        el(
          "div",
          { class: "card controls" },
          el(
            "label",
            { class: "switch" },
            el("input", { type: "checkbox", role: "switch", id: "armed", onchange: (event) => this.#arm(event.target) }),
            el("span", { class: "knob" }),
            "Armed",
          ),
          el("button", { class: "shutter", type: "button", "aria-label": "Take a picture now", onclick: () => this.#shoot() }),
          el("a", { class: "last", href: "#pictures", "aria-label": "The pictures", hidden: true }),
        ),
      ),
    );
  }

  #show({ info, bitmap }) {
    this.#view = info;
    const stage = $(".stage", this.element);
    stage.style.setProperty("--aspect", `${info.width} / ${info.height}`);
    const canvas = $("canvas.picture", this.element);
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    const face = this.#face(info);
    drawOverlay($("canvas.overlay", this.element), info, { chosen: face?.track });
    this.#describe(info, face);
    this.#meter.add(now(), this.#gone ? null : (face?.wanted ?? null), info.threshold);
    this.#meter.draw(now());
  }

  /** The face the bars are of: the chosen one, else the one that is nearest to firing, else the largest. */
  #face(info) {
    const chosen = info.faces.find((face) => face.track === this.#chosen);
    if (chosen) return chosen;
    this.#chosen = null;
    const progress = new Map(info.meters.map((meter) => [meter.track, meter.progress]));
    const rank = (face) => (progress.get(face.track) ?? 0) * 1e9 + face.box[2] * face.box[3];
    return info.faces.reduce((best, face) => (best === null || rank(face) > rank(best) ? face : best), null);
  }

  #describe(info, face) {
    const title = this.#gone?.title ?? STATES[info.state] ?? info.state;
    const chip = $(".chip.state", this.element);
    chip.textContent = this.#gone ? "No picture" : title;
    chip.dataset.state = this.#gone ? "lost" : info.state;
    $(".chip.fps", this.element).textContent = `${info.fps.toFixed(0)} fps`;
    $("#state", this.element).textContent = title;
    $("#why", this.element).textContent = this.#gone?.text ?? info.why; // what was said of an old picture is no longer true
    const done = $(".dial .done", this.element);
    done.style.setProperty("--done", info.progress * 100);
    done.toggleAttribute("data-empty", info.progress === 0);
    $("#threshold", this.element).textContent = `threshold ${percent(info.threshold)}`;
    const many = this.#gone ? 0 : info.faces.length;
    const place = info.faces.indexOf(face) + 1;
    $("#faces-title", this.element).textContent = many === 0 ? "No face" : many === 1 ? "The face" : `Face ${place} of ${many}`;
    this.#bars.show(many ? face.scores : null);
    this.#offerFaces(info, face);
    if (!this.#armTimer) $("#armed", this.element).checked = info.armed;
    const notices = $("#notices", this.element);
    notices.hidden = info.notices.length === 0;
    if (notices.textContent !== info.notices.join("")) {
      notices.replaceChildren(...info.notices.map((text) => el("p", {}, text)));
    }
    if (title !== this.#said) $("#spoken", this.element).textContent = this.#said = title;
  }

  #offerFaces(info, face) {
    const group = $(".faces-pick", this.element);
    const tracks = info.faces.length > 1 ? info.faces.map(({ track }) => String(track)) : [];
    if (tracks.join() !== [...group.children].map((button) => button.dataset.track).join()) {
      group.replaceChildren(
        ...tracks.map((track, index) =>
          el(
            "button",
            { type: "button", dataset: { track }, onclick: () => this.#choose(Number(track)) },
            el("span", { class: "visually-hidden" }, "Face "),
            String(index + 1),
          ),
        ),
      );
    }
    for (const button of group.children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.track) === face?.track));
    }
  }

  #choose(track) {
    this.#chosen = track;
  }

  #hear(event) {
    if (event.event === "shot") this.#newPicture(event);
    else if (event.event === "camera_lost") {
      if (event.reason === "frozen" || event.reason === "black") toast(LOST[event.reason] + ".", { bad: true });
      else this.#showCamera({ ok: false, reason: event.reason });
    } else if (event.event === "camera" || event.event === "no_picture") {
      this.#showCamera(event.camera);
    } else if (event.event === "camera_back") {
      this.#found();
      toast("The camera is back.");
    } else if (event.event === "save_failed" || event.event === "disk_full") {
      toast(event.event === "disk_full" ? "The disk is full: pictures are not kept." : "A picture could not be saved.", { bad: true });
    }
  }

  #showCamera({ ok, reason }) {
    if (ok) this.#found();
    else this.#lost(LOST[reason] ?? "The camera is lost", "Trying to get it back …");
  }

  #lost(title, text) {
    this.#gone = { title, text };
    if (this.#view) this.#describe(this.#view, this.#face(this.#view));
    else {
      $("#state", this.element).textContent = title;
      $("#why", this.element).textContent = text;
    }
    $(".stage", this.element).classList.add("lost");
    const note = $(".lost-note", this.element);
    if ($("strong", note).textContent !== title || note.hidden) {
      $("strong", note).textContent = title;
      $("span", note).textContent = text;
      note.hidden = false;
    }
  }

  #found() {
    this.#gone = null;
    $(".stage", this.element).classList.remove("lost");
    $(".lost-note", this.element).hidden = true;
  }

  #newPicture(event) {
    this.#meter.mark(now());
    if (!event.id) return;
    const flash = $(".flash", this.element);
    flash.classList.remove("on");
    requestAnimationFrame(() => flash.classList.add("on"));
    const link = el(
      "a",
      { class: "slide", href: `#pictures/${event.id}`, "aria-label": "The new picture" },
      el("img", { src: `/api/v1/shots/${event.id}/thumbnail`, alt: "" }),
    );
    $(".slide", this.element)?.remove();
    $(".stage", this.element).append(link);
    clearTimeout(this.#slideTimer);
    this.#slideTimer = setTimeout(() => link.remove(), 5000);
    this.#setLast(event.id);
  }

  #setLast(id) {
    const last = $(".last", this.element);
    last.hidden = false;
    last.href = `#pictures/${id}`;
    last.setAttribute("aria-label", "The newest picture");
    last.replaceChildren(el("img", { src: `/api/v1/shots/${id}/thumbnail`, alt: "" }));
  }

  async #showNewest() {
    try {
      const { items } = await api.get("/shots?limit=1");
      if (items.length) this.#setLast(items[0].id);
    } catch {
      // the gallery is a convenience here; its own view says what is wrong
    }
  }

  async #shoot() {
    try {
      await api.post("/shutter");
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }

  async #arm(input) {
    clearTimeout(this.#armTimer);
    this.#armTimer = setTimeout(() => (this.#armTimer = 0), 700); // until the loop has heard of it
    try {
      await api.post("/arm", { on: input.checked });
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }
}
