// The view "Try a photo": what the network says of a picture that is chosen, dropped, pasted or clicked.

import { api } from "./api.js";
import { Bars, percent } from "./bars.js";
import { BrowserCamera } from "./camera.js";
import { $, el, icon } from "./dom.js";
import { drawOverlay, faceAt } from "./overlay.js";

const INVITATION = "Drop a picture here";
const KINDS = "image/png,image/jpeg,.png,.jpg,.jpeg";

export class PhotoView {
  #found = null;
  #chosen = 1;
  #address = null;
  #turn = 0;
  #listening = null;

  constructor() {
    this.camera = new BrowserCamera({ still: (blob) => this.#look(blob), closed: () => this.#start() });
    this.element = this.#build();
    this.#acceptDrops();
    new ResizeObserver(() => this.#drawBoxes()).observe($(".shown", this.element));
  }

  enter() {
    this.#listening ??= new AbortController();
    document.addEventListener("paste", (event) => this.#paste(event), { signal: this.#listening.signal });
  }

  leave() {
    this.#listening?.abort();
    this.#listening = null;
    this.camera.stop();
    if (!this.#found) this.#start();
  }

  #build() {
    const input = el("input", { type: "file", accept: KINDS, hidden: true, id: "photo-file", "aria-label": "A picture" });
    input.addEventListener("change", () => {
      if (input.files.length) this.#look(input.files[0]);
      input.value = "";
    });
    const choose = (text, more = "") => el("button", { class: `button ${more}`, type: "button", onclick: () => input.click() }, icon("upload"), text);
    const camera = () => el("button", { class: "button", type: "button", onclick: () => this.#openCamera() }, icon("live"), "Use the camera");
    const canvas = el("canvas", { "aria-hidden": "true" });
    canvas.addEventListener("click", (event) => {
      const face = this.#found && faceAt(canvas, this.#found, event);
      if (!face) return;
      this.#choose(face);
      $(`.face-row[data-track="${face}"]`, this.element).scrollIntoView({ block: "nearest" });
    });
    return el(
      "section",
      { class: "photo", "aria-labelledby": "photo-title" },
      el("div", { class: "head" }, el("div", {}, el("h1", { id: "photo-title" }, "Try a photo"), el("p", { class: "quiet" }, "See what the network reads in a face."))),
      input,
      el("div", { class: "error-note", role: "alert", hidden: true }),
      el(
        "div",
        { class: "drop" },
        icon("photo"),
        el("h2", {}, INVITATION),
        el("p", { class: "quiet" }, "or paste one. PNG or JPEG, with one face or several."),
        el("div", { class: "buttons" }, choose("Choose a picture", "main"), camera()),
      ),
      el(
        "div",
        { class: "result", hidden: true },
        el(
          "div",
          {},
          el("div", { class: "shown" }, el("img", { alt: "The picture" }), canvas, el("p", { class: "busy", hidden: true }, "Looking …")),
          el("div", { class: "row" }, choose("Another picture", "main"), camera()),
        ),
        el("div", {}, el("p", { class: "verdict", role: "status" }), el("p", { class: "quiet", id: "photo-hint" }), el("ol", { class: "faces-list", id: "photo-faces" })),
      ),
      this.camera.element,
      el("p", { class: "quiet privacy" }, "Pictures are looked at in memory and never stored."),
    );
  }

  #start() {
    this.#show(".drop");
  }

  #show(part) {
    for (const each of [".drop", ".result", ".camera"]) $(each, this.element).hidden = each !== part;
  }

  #refuse(text) {
    const note = $(".error-note", this.element);
    note.textContent = text;
    note.hidden = !text;
  }

  #say(text) {
    $(".drop h2", this.element).textContent = text;
  }

  #acceptDrops() {
    const zone = $(".drop", this.element);
    this.element.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    this.element.addEventListener("dragleave", (event) => {
      if (!this.element.contains(event.relatedTarget)) zone.classList.remove("over");
    });
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      const file = event.dataTransfer.files[0];
      if (file) this.#look(file);
      else this.#refuse("That is no file; drop a PNG or JPEG picture.");
    });
  }

  #paste(event) {
    const file = [...event.clipboardData.files][0];
    if (!file) return;
    event.preventDefault();
    this.#look(file);
  }

  #openCamera() {
    this.#refuse("");
    this.#show(".camera");
    this.camera.start();
  }

  /** Send a picture and show what comes back. */
  async #look(blob) {
    const turn = ++this.#turn;
    this.camera.stop();
    this.#refuse("");
    const form = new FormData();
    form.append("file", blob, "picture");
    const busy = $(".busy", this.element);
    busy.hidden = false;
    this.#say("Looking …");
    try {
      const found = await api.upload("/classify", form);
      if (turn === this.#turn) await this.#showFound(blob, found);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#refuse(error.message);
      this.#show(this.#found ? ".result" : ".drop");
    } finally {
      busy.hidden = true;
      this.#say(INVITATION);
    }
  }

  async #showFound(blob, found) {
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(blob);
    const image = $(".shown img", this.element);
    image.src = this.#address;
    await image.decode().catch(() => {}); // the server has decoded it, so a browser that cannot is no fault
    this.#found = { ...found, faces: found.faces.map((face, index) => ({ ...face, track: index + 1 })) };
    this.#show(".result");
    this.#chosen = 1;
    const count = found.faces.length;
    const verdict = $(".verdict", this.element);
    if (count === 0) verdict.textContent = "No face found";
    else if (count === 1) verdict.textContent = `One face: ${found.faces[0].top}`;
    else verdict.textContent = `${count} faces`;
    $("#photo-hint", this.element).textContent =
      count === 0 ? "A face should look at the camera and not be too small." : count > 1 ? "Touch a box or a row to tell them apart." : "";
    $("#photo-faces", this.element).replaceChildren(...this.#found.faces.map((face) => this.#row(face, count)));
    this.#choose(1);
  }

  #row(face, count) {
    const bars = new Bars(`Expressions of face ${face.track}`);
    bars.show(face.scores);
    const title = `${count > 1 ? `Face ${face.track}: ` : ""}${face.top} ${percent(face.scores[face.top])}`;
    const row = el("li", { class: "card face-row", dataset: { track: face.track } }, el("button", { type: "button" }, title), bars.element);
    row.addEventListener("click", () => this.#choose(face.track));
    return row;
  }

  #choose(track) {
    this.#chosen = track;
    for (const row of this.element.querySelectorAll(".face-row")) {
      const current = Number(row.dataset.track) === track;
      row.setAttribute("aria-current", String(current));
    }
    this.#drawBoxes();
  }

  #drawBoxes() {
    if (this.#found) drawOverlay($(".shown canvas", this.element), this.#found, { chosen: this.#chosen });
  }
}
