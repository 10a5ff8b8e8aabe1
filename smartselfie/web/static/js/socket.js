// The live connection: asks for a picture when it is ready for one, and comes back by itself.

import { api } from "./api.js";

const LONGEST_WAIT = 5000;

export class LiveSocket extends EventTarget {
  #socket = null;
  #tries = 0;
  #timer = 0;
  #wanted = false;
  #busy = false;

  /** Whether the camera gives pictures, as last told; for views that are made later. */
  camera = { ok: true, reason: null };

  /** Connect; fires "link" (detail: connecting, open, lost), "event" and "picture". */
  start() {
    this.#connect();
    addEventListener("online", () => this.#connectNow());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#rest();
      else this.#connectNow();
    });
    addEventListener("pagehide", () => this.#rest());
  }

  /** Whether pictures are wanted; events come in any case. */
  set wanted(on) {
    this.#wanted = on;
    this.#ask();
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #hear(event) {
    if (event.event === "camera" || event.event === "no_picture") this.camera = event.camera;
    else if (event.event === "camera_back") this.camera = { ok: true, reason: null };
    else if (event.event === "camera_lost") {
      this.camera = { ok: event.reason === "frozen" || event.reason === "black", reason: event.reason };
    }
    this.#say("event", event);
  }

  #connectNow() {
    if (this.#socket?.readyState === WebSocket.OPEN) return;
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#socket?.close();
    this.#connect();
  }

  /** Nobody looks: give the place on the server to somebody who does. */
  #rest() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live`);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#say("link", "connecting");
    socket.addEventListener("open", () => {
      this.#tries = 0;
      this.#busy = false;
      this.#say("link", "open");
      this.#ask();
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#hear(JSON.parse(data));
      else this.#receive(data);
    });
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#say("link", "lost");
      this.#timer = setTimeout(() => this.#connect(), Math.min(300 * 2 ** this.#tries, LONGEST_WAIT));
      this.#tries++;
      api.get("/state").catch(() => {}); // has the session ended? then the log-in form comes
    });
  }

  #ask() {
    if (this.#busy || !this.#wanted || document.hidden || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#busy = true;
    this.#socket.send("next");
  }

  async #receive(data) {
    const socket = this.#socket;
    const length = new DataView(data).getUint32(0);
    const info = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    try {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }));
      if (socket === this.#socket) this.#say("picture", { info, bitmap });
    } finally {
      if (socket === this.#socket) {
        this.#busy = false;
        requestAnimationFrame(() => this.#ask());
      }
    }
  }
}
