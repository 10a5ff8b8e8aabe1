// One picture large, with its scores: next and previous by key and swipe, stars, delete, download.

import { api } from "./api.js";
import { Bars, percent } from "./bars.js";
import { $, ask, el, icon, toast } from "./dom.js";
import { dayOf, titleOf } from "./titles.js";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const BY = { smile: "taken by a smile", key: "taken by key", button: "taken by the button", web: "taken from this page" };
const SWIPE = 50;

export class Viewer {
  #item = null;

  constructor(gallery) {
    this.gallery = gallery;
    this.dialog = this.#build();
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#leave();
    });
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#listenForSwipes($(".canvas", this.dialog));
  }

  get open() {
    return this.dialog.open;
  }

  #build() {
    const round = (name, label, onclick) =>
      el("button", { class: `round ${label.toLowerCase()}`, type: "button", "aria-label": `${label} picture`, onclick }, icon(name));
    return el(
      "dialog",
      { class: "viewer", "aria-labelledby": "viewer-title" },
      el(
        "div",
        { class: "canvas" },
        el("div", { class: "frame" }, el("img", { alt: "" })),
        el("button", { class: "round close", type: "button", "aria-label": "Back to all pictures", onclick: () => this.#leave() }, icon("close")),
        round("left", "Previous", () => this.#step(-1)),
        round("right", "Next", () => this.#step(1)),
      ),
      el(
        "div",
        { class: "facts" },
        el("div", {}, el("h2", { id: "viewer-title" }), el("p", { class: "quiet", id: "viewer-facts" })),
        this.#stars(),
        el("div", { id: "viewer-faces", class: "face-facts" }),
        el(
          "div",
          { class: "buttons" },
          el("a", { class: "button main", id: "viewer-download", download: "" }, icon("download"), "Download"),
          el("button", { class: "button danger", type: "button", onclick: () => this.#delete() }, icon("trash"), "Delete"),
        ),
      ),
    );
  }

  #stars() {
    const field = el("fieldset", { class: "stars" }, el("legend", {}, "Rating"));
    for (let count = 1; count <= 5; count++) {
      const input = el("input", { type: "radio", name: "rating", value: String(count) });
      input.setAttribute("aria-label", count === 1 ? "1 star" : `${count} stars`);
      // a click on the star that is set takes the rating away
      input.addEventListener("click", () => this.#rate(this.#item.rating === count ? 0 : count));
      field.append(el("label", {}, input, icon("star")));
    }
    return field;
  }

  /** Show the picture with this id, as the address says. */
  async show(id) {
    let item = this.gallery.items.find((each) => each.id === id);
    if (!item) {
      try {
        item = await api.get(`/shots/${id}`);
      } catch (error) {
        toast(error.message, { bad: true });
        location.replace("#pictures");
        return;
      }
    }
    this.#item = item;
    if (!this.dialog.isConnected) document.body.append(this.dialog);
    if (!this.dialog.open) this.dialog.showModal();
    this.#draw();
    if (this.#place >= this.gallery.items.length - 4) this.gallery.more().then(() => this.#drawSteps());
  }

  close() {
    if (this.dialog.open) this.dialog.close();
    this.dialog.remove();
  }

  #leave() {
    location.hash = "#pictures";
  }

  get #place() {
    return this.gallery.items.findIndex((each) => each.id === this.#item?.id);
  }

  #draw() {
    const item = this.#item;
    const image = $("img", this.dialog);
    image.src = `/api/v1/shots/${item.id}/picture?v=${item.version}`;
    image.alt = titleOf(item);
    $("#viewer-title", this.dialog).textContent = item.taken ? `${dayOf(item)}, ${TIME.format(new Date(item.taken))}` : item.name;
    const facts = [item.width ? `${item.width} × ${item.height}` : null, size(item.bytes), BY[item.by]];
    $("#viewer-facts", this.dialog).textContent = facts.filter(Boolean).join(" · ");
    const download = $("#viewer-download", this.dialog);
    download.href = `/api/v1/shots/${item.id}/picture?download=true`;
    download.download = item.name;
    this.#drawStars();
    this.#drawFaces();
    this.#drawSteps();
  }

  #drawStars() {
    for (const input of this.dialog.querySelectorAll(".stars input")) {
      const count = Number(input.value);
      input.checked = count === this.#item.rating;
      input.parentElement.classList.toggle("on", count <= this.#item.rating);
    }
  }

  #drawFaces() {
    const faces = this.#item.faces.filter((face) => face.scores);
    $("#viewer-faces", this.dialog).replaceChildren(
      ...faces.slice(0, 8).flatMap((face, index) => {
        const bars = new Bars(`Expressions of face ${index + 1}`);
        bars.show(face.scores);
        const name = faces.length > 1 ? `Face ${index + 1}: ` : "";
        return [el("h3", {}, `${name}${face.top} ${percent(face.scores[face.top])}`), bars.element];
      }),
    );
  }

  #drawSteps() {
    $(".previous", this.dialog).disabled = this.#place <= 0;
    $(".next", this.dialog).disabled = this.#place < 0 || this.#place >= this.gallery.items.length - 1;
  }

  #step(by) {
    const other = this.gallery.items[this.#place + by];
    if (this.#place >= 0 && other) location.replace(`#pictures/${other.id}`);
  }

  #key(event) {
    const inStars = event.target.closest(".stars") !== null;
    if (event.key === "ArrowLeft" && !inStars) this.#step(-1);
    else if (event.key === "ArrowRight" && !inStars) this.#step(1);
    else if (event.key === "Delete") this.#delete();
    else if (/^[0-5]$/.test(event.key)) this.#rate(Number(event.key));
    else return;
    event.preventDefault();
  }

  #listenForSwipes(area) {
    let start = null;
    area.addEventListener("touchstart", (event) => {
      start = event.touches.length === 1 ? event.touches[0] : null;
    }, { passive: true });
    area.addEventListener("touchend", (event) => {
      if (!start) return;
      const across = event.changedTouches[0].clientX - start.clientX;
      const down = event.changedTouches[0].clientY - start.clientY;
      start = null;
      if (Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) this.#step(across < 0 ? 1 : -1);
    }, { passive: true });
  }

  async #rate(rating) {
    const before = this.#item;
    this.#item = { ...before, rating };
    this.#drawStars();
    try {
      const item = await api.patch(`/shots/${before.id}`, { rating });
      this.gallery.update(item);
      if (this.#item.id === item.id) this.#item = item;
    } catch (error) {
      if (this.#item.id === before.id) this.#item = before;
      toast(error.message, { bad: true });
    }
    this.#drawStars();
  }

  async #delete() {
    const id = this.#item.id;
    if (!(await ask({ title: "Delete this picture?", text: "This cannot be undone.", yes: "Delete" }))) return;
    const place = this.#place;
    try {
      await this.gallery.remove(id);
    } catch (error) {
      toast(error.message, { bad: true });
      return;
    }
    toast("The picture is deleted.");
    const follower = this.gallery.items[place] ?? this.gallery.items[place - 1];
    location.replace(follower ? `#pictures/${follower.id}` : "#pictures");
  }
}

function size(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}
