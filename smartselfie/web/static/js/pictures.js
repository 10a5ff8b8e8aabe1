// The view "Pictures": newest first, more as one scrolls, some of them chosen to download or delete.

import { api } from "./api.js";
import { $, ask, el, icon, toast } from "./dom.js";
import { dayOf, titleOf } from "./titles.js";
import { Viewer } from "./viewer.js";

export class PicturesView {
  items = [];
  total = 0;
  #next = null;
  #loading = null;
  #tiles = new Map();
  #entered = false;
  #nearEnd;

  constructor(socket) {
    this.viewer = new Viewer(this);
    this.element = this.#build();
    this.#nearEnd = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && this.more(), {
      rootMargin: "1500px",
    });
    socket?.addEventListener("event", ({ detail }) => detail.event === "shot" && this.#entered && this.refresh());
  }

  async enter([id] = []) {
    if (!this.#entered || !this.viewer.open) await this.refresh();
    this.#entered = true;
    if (id) await this.viewer.show(id);
    else this.viewer.close();
  }

  leave() {
    this.viewer.close();
  }

  #build() {
    const button = (name, text, onclick, more = "") =>
      el("button", { class: `button ${more}`, type: "button", onclick }, icon(name), text);
    return el(
      "section",
      { class: "pictures", "aria-labelledby": "pictures-title" },
      el(
        "div",
        { class: "head" },
        el("div", {}, el("h1", { id: "pictures-title" }, "Pictures"), el("p", { class: "quiet", id: "count", role: "status" })),
        el("button", { class: "button", type: "button", id: "choose", "aria-pressed": "false", onclick: () => this.#choosing() }, "Select"),
        el("a", { class: "button", id: "all", href: "/api/v1/archive", download: "" }, icon("download"), "All"),
      ),
      el("div", { class: "days" }),
      el("div", { class: "empty", id: "none", hidden: true }, icon("photo"), el("h2", {}, "No pictures yet"), el("p", {}, "Smile at the camera, and the first one appears here.")),
      el("div", { class: "sentinel" }),
      el(
        "div",
        { class: "choose-bar", hidden: true },
        el("span", { class: "numbers", id: "chosen", role: "status" }, "None selected"),
        button("download", "Download", () => this.#downloadChosen(), "main"),
        button("trash", "Delete", () => this.#deleteChosen(), "danger"),
      ),
    );
  }

  /** Read the newest page; keeps what is shown when nothing has changed. */
  async refresh() {
    try {
      const page = await api.get("/shots?limit=60");
      const known = new Map(this.items.map((item) => [item.id, item]));
      const fresh = page.items.filter((item) => !known.has(item.id));
      const oldest = page.items.at(-1);
      const place = oldest ? this.items.findIndex((item) => item.id === oldest.id) : -1;
      const follows = place >= 0 && fresh.length < page.items.length;
      this.items = follows ? [...page.items, ...this.items.slice(place + 1)] : page.items;
      if (!follows) this.#next = page.next;
      this.total = page.total;
      this.#draw(this.#entered ? new Set(fresh.map((item) => item.id)) : new Set());
      this.#watchEnd();
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }

  /** Read the next page; one at a time. */
  async more() {
    if (!this.#next || this.#loading) return this.#loading;
    this.#loading = (async () => {
      try {
        const page = await api.get(`/shots?limit=200&after=${this.#next}`);
        const known = new Set(this.items.map((item) => item.id));
        this.items.push(...page.items.filter((item) => !known.has(item.id)));
        this.#next = page.next;
        this.total = page.total;
        this.#draw();
        this.#watchEnd();
      } catch (error) {
        toast(error.message, { bad: true }); // scrolling on tries again
      } finally {
        this.#loading = null;
      }
    })();
    return this.#loading;
  }

  /** Look whether the end is near: an observer tells changes only, and it may be near still. */
  #watchEnd() {
    const sentinel = $(".sentinel", this.element);
    this.#nearEnd.unobserve(sentinel);
    this.#nearEnd.observe(sentinel);
  }

  /** Show `items`: tiles that are there stay, so that nothing flickers. */
  #draw(fresh = new Set()) {
    const days = $(".days", this.element);
    const lists = new Map();
    for (const item of this.items) {
      const day = dayOf(item);
      if (!lists.has(day)) lists.set(day, []);
      lists.get(day).push(this.#tile(item, fresh.has(item.id)));
    }
    const sections = new Map([...days.children].map((section) => [section.dataset.day, section]));
    const wanted = [...lists].map(([day, tiles]) => {
      const section = sections.get(day) ?? el("section", { dataset: { day } }, el("h2", {}, day), el("ul", { class: "grid" }));
      const grid = $(".grid", section);
      const shown = [...grid.children];
      if (shown.length <= tiles.length && shown.every((tile, index) => tile === tiles[index])) {
        grid.append(...tiles.slice(shown.length));
      } else grid.replaceChildren(...tiles);
      return section;
    });
    if (wanted.length !== days.children.length || wanted.some((section, index) => days.children[index] !== section)) {
      days.replaceChildren(...wanted);
    }
    const ids = new Set(this.items.map((item) => item.id));
    for (const id of this.#tiles.keys()) if (!ids.has(id)) this.#tiles.delete(id);
    $("#count", this.element).textContent = this.total === 1 ? "1 picture" : `${this.total.toLocaleString()} pictures`;
    $("#none", this.element).hidden = this.total > 0;
    $("#choose", this.element).hidden = $("#all", this.element).hidden = this.total === 0;
    this.#countChosen();
  }

  #tile(item, fresh) {
    const old = this.#tiles.get(item.id);
    if (old && old.dataset.version === item.version && old.dataset.rating === String(item.rating)) return old;
    const mark = el("input", { type: "checkbox", value: item.id, onchange: () => this.#countChosen() });
    mark.setAttribute("aria-label", `Select ${titleOf(item)}`);
    const tile = el(
      "li",
      { class: fresh ? "tile new" : "tile", dataset: { version: item.version, rating: item.rating } },
      el(
        "a",
        { href: `#pictures/${item.id}`, "aria-label": `${titleOf(item)}${item.rating ? `, ${item.rating} stars` : ""}` },
        el("img", { src: `/api/v1/shots/${item.id}/thumbnail?v=${item.version}`, alt: "", loading: "lazy", decoding: "async" }),
        item.rating ? el("span", { class: "stars-badge", "aria-hidden": "true" }, "★".repeat(item.rating)) : null,
      ),
      el("label", { class: "mark" }, mark, el("span", {}, icon("check"))),
    );
    this.#tiles.set(item.id, tile);
    return tile;
  }

  #choosing() {
    const on = this.element.classList.toggle("choosing");
    const button = $("#choose", this.element);
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Done" : "Select";
    $(".choose-bar", this.element).hidden = !on;
    if (!on) for (const box of this.element.querySelectorAll(".mark input:checked")) box.checked = false;
    this.#countChosen();
  }

  get #chosen() {
    return [...this.element.querySelectorAll(".mark input:checked")].map((box) => box.value);
  }

  #countChosen() {
    const count = this.#chosen.length;
    $("#chosen", this.element).textContent = count ? `${count} selected` : "None selected";
    for (const button of this.element.querySelectorAll(".choose-bar button")) button.disabled = count === 0;
  }

  #downloadChosen() {
    const form = el("form", { method: "post", action: "/api/v1/archive" }, el("input", { type: "hidden", name: "ids", value: this.#chosen.join(",") }));
    document.body.append(form);
    form.submit();
    form.remove();
  }

  async #deleteChosen() {
    const ids = this.#chosen;
    const told = ids.length === 1 ? "this picture" : `these ${ids.length} pictures`;
    if (!(await ask({ title: `Delete ${told}?`, text: "This cannot be undone.", yes: "Delete" }))) return;
    try {
      for (const id of ids) await this.remove(id);
    } catch (error) {
      toast(error.message, { bad: true }); // what is left stays selected
      return;
    }
    this.#choosing();
    toast(ids.length === 1 ? "The picture is deleted." : `${ids.length} pictures are deleted.`);
  }

  /** Delete one picture, here and on the server. */
  async remove(id) {
    try {
      await api.remove(`/shots/${id}`);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    this.items = this.items.filter((item) => item.id !== id);
    this.total = Math.max(0, this.total - 1);
    this.#draw();
  }

  /** Take over what the server says of a picture. */
  update(item) {
    const place = this.items.findIndex((each) => each.id === item.id);
    if (place >= 0) this.items[place] = item;
    this.#draw();
  }
}
