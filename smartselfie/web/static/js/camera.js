// The browser's own camera: click a picture, or hold a smile and let the server's trigger take it.

import { Bars } from "./bars.js";
import { $, circle, el, icon, svg } from "./dom.js";
import { drawOverlay } from "./overlay.js";

const SENT_WIDTH = 640;
const MOST_KEPT = 12;

export class BrowserCamera {
  #still;
  #closed;
  #stream = null;
  #turn = 0; // counts starts and stops, so that a permission that comes late is given back
  #open = false;
  #socket = null;
  #bars = new Bars("Expressions of the face");
  #grabbed = null; // the frame that the server looks at now, in full size
  #number = 0;

  constructor({ still, closed }) {
    this.#still = still;
    this.#closed = closed;
    this.element = this.#build();
    addEventListener("pagehide", () => this.stop());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && this.#open) this.#close();
    });
  }

  #build() {
    const dial = svg(
      { class: "dial", viewBox: "0 0 52 52", "aria-hidden": "true" },
      circle({ cx: 26, cy: 26, r: 22, pathLength: 100 }),
      circle({ cx: 26, cy: 26, r: 22, pathLength: 100, class: "done", "data-empty": "" }),
    );
    const video = el("video", { autoplay: true, playsinline: true, "aria-label": "Your camera" });
    video.muted = true;
    return el(
      "div",
      { class: "camera", hidden: true },
      el("div", { class: "error-note", role: "alert", hidden: true }),
      el(
        "div",
        { class: "result" },
        el(
          "div",
          {},
          el("div", { class: "shown mirrored" }, video, el("canvas", { "aria-hidden": "true" }), el("div", { class: "flash" })),
          el(
            "div",
            { class: "row" },
            el("button", { class: "button main", type: "button", id: "click", onclick: () => this.#click() }, icon("live"), "Take a picture"),
            el("button", { class: "button", type: "button", onclick: () => this.#close() }, icon("stop"), "Stop"),
          ),
        ),
        el(
          "div",
          { class: "faces-list" },
          el("div", { class: "card why" }, dial, el("p", {}, el("strong", { id: "camera-state" }, "Starting"), el("span", { id: "camera-why" }))),
          el("div", { class: "card" }, this.#bars.element),
        ),
      ),
      el("div", { id: "kept", hidden: true }, el("h2", {}, "Your pictures"), el("p", { class: "quiet" }, "They are only in this browser, until the page is left."), el("ul", { class: "kept" })),
    );
  }

  /** Ask for the camera and begin; says what to do where the browser gives none. */
  async start() {
    this.#refuse("");
    if (!navigator.mediaDevices?.getUserMedia) {
      this.#refuse(
        "Browsers lend their camera only to pages of this machine (localhost) or over https. " +
          "Open the page on the machine itself, or give the server a certificate with the setting web.tls.",
      );
      return;
    }
    const turn = ++this.#turn;
    this.#open = true;
    try {
      const wanted = { video: { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" }, audio: false };
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      if (turn !== this.#turn) {
        for (const track of stream.getTracks()) track.stop(); // stopped or left while the browser asked
        return;
      }
      this.#stream = stream;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#refuse(REASONS[error.name] ?? `The camera does not open (${error.name}).`);
      return;
    }
    const video = $("video", this.element);
    video.srcObject = this.#stream;
    await video.play().catch(() => {}); // refused only where the page is hidden again already
    if (turn === this.#turn) this.#connect();
  }

  /** Let the camera go. */
  stop() {
    this.#turn++;
    this.#open = false;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#socket?.close();
    this.#socket = null;
    $("video", this.element).srcObject = null;
  }

  #close() {
    this.stop();
    this.#closed();
  }

  #refuse(text) {
    const note = $(".error-note", this.element);
    note.textContent = text;
    note.hidden = !text;
    $(".result", this.element).hidden = Boolean(text);
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/camera`);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#send());
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.#socket) return;
      this.#show(JSON.parse(data));
      this.#send();
    });
    socket.addEventListener("close", ({ reason }) => {
      if (socket !== this.#socket) return;
      $("#camera-state", this.element).textContent = "Not connected";
      $("#camera-why", this.element).textContent = reason || "trying again";
      setTimeout(() => socket === this.#socket && this.#connect(), 2000);
    });
  }

  /** Send the frame that is seen now; the next one only after the answer. */
  async #send() {
    const video = $("video", this.element);
    const socket = this.#socket;
    if (!video.videoWidth) await new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
    if (socket !== this.#socket || socket.readyState !== WebSocket.OPEN) return;
    const full = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    full.getContext("2d").drawImage(video, 0, 0);
    const scale = Math.min(1, SENT_WIDTH / full.width);
    const small = new OffscreenCanvas(Math.round(full.width * scale), Math.round(full.height * scale));
    small.getContext("2d").drawImage(full, 0, 0, small.width, small.height);
    const blob = await small.convertToBlob({ type: "image/jpeg", quality: 0.85 });
    if (socket !== this.#socket || socket.readyState !== WebSocket.OPEN) return;
    this.#grabbed = full;
    socket.send(blob);
  }

  #show(answer) {
    if (answer.error) {
      $("#camera-why", this.element).textContent = answer.error;
      return;
    }
    drawOverlay($("canvas", this.element), answer, { mirrored: true });
    const largest = answer.faces.reduce((best, face) => (!best || face.box[2] > best.box[2] ? face : best), null);
    this.#bars.show(largest?.scores ?? null);
    const titles = { watching: "Smile!", holding: "Hold that smile", countdown: "Get ready", resting: "Got it" };
    $("#camera-state", this.element).textContent = titles[answer.state] ?? answer.state;
    $("#camera-why", this.element).textContent = answer.why;
    const done = $(".dial .done", this.element);
    done.style.setProperty("--done", answer.progress * 100);
    done.toggleAttribute("data-empty", answer.progress === 0);
    if (answer.fire) this.#keep();
  }

  async #click() {
    const video = $("video", this.element);
    if (!video.videoWidth) return;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    this.#still(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 }));
  }

  /** Keep the frame that fired, in this browser alone. */
  async #keep() {
    const blob = await this.#grabbed.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    const flash = $(".flash", this.element);
    flash.classList.remove("on");
    requestAnimationFrame(() => flash.classList.add("on"));
    const address = URL.createObjectURL(blob);
    const name = `smile-${++this.#number}.jpg`;
    const list = $(".kept", this.element);
    list.prepend(
      el("li", {}, el("img", { src: address, alt: `Your picture ${this.#number}` }), el("a", { class: "button", href: address, download: name }, icon("download"), "Download")),
    );
    while (list.children.length > MOST_KEPT) {
      URL.revokeObjectURL($("a", list.lastChild).href);
      list.lastChild.remove();
    }
    $("#kept", this.element).hidden = false;
  }
}

const REASONS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, then try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "Another program uses the camera.",
};
