// Which view is shown, by the address behind the #, and what all views share.

import { api } from "./api.js";
import { $, el, icon, toast } from "./dom.js";

const TITLES = { live: "Live", pictures: "Pictures", settings: "Settings", photo: "Try a photo" };
const page = document.documentElement.dataset;
const names = page.views.split(" ").filter(Boolean);
const views = new Map();
let socket = null;
let current = null;

async function make(name) {
  switch (name) {
    case "live":
      return new (await import("./live.js")).LiveView(socket);
    case "pictures":
      return new (await import("./pictures.js")).PicturesView(socket);
    case "settings":
      return new (await import("./settings.js")).SettingsView();
    default:
      return new (await import("./photo.js")).PhotoView();
  }
}

async function route() {
  const [asked, ...rest] = location.hash.slice(1).split("/");
  const name = names.includes(asked) ? asked : names[0];
  document.title = `${TITLES[name]} · smartselfie`;
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.dataset.view === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (!views.has(name)) {
    views.set(name, await make(name));
    if (location.hash.slice(1).split("/")[0] !== asked) return; // gone on meanwhile
  }
  const view = views.get(name);
  if (view !== current) {
    current?.leave();
    $("#main").replaceChildren(view.element);
    const first = current === null;
    current = view;
    if (!first) $("#main").focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  view.enter(rest);
}

function showLink(state) {
  const link = $("#link");
  link.hidden = false;
  link.dataset.state = state;
  link.textContent = { open: "Connected", connecting: "Connecting", lost: "Not connected" }[state];
}

async function begin() {
  if (names.length < 2) document.documentElement.dataset.single = "";
  $(".tabs").append(
    ...names.map((name) => el("a", { href: `#${name}`, dataset: { view: name } }, icon(name), el("span", {}, TITLES[name]))),
  );
  if (page.password === "yes") {
    const button = $("#log-out");
    button.hidden = false;
    button.addEventListener("click", async () => {
      await api.remove("/session");
      location.reload();
    });
  }
  if (names.includes("live")) {
    const { LiveSocket } = await import("./socket.js");
    socket = new LiveSocket();
    socket.addEventListener("link", ({ detail }) => showLink(detail));
    socket.addEventListener("event", ({ detail }) => {
      const seen = current === views.get("live") || current === views.get("pictures"); // it appears there by itself
      if (detail.event === "shot" && !seen) toast("A new picture was taken.");
    });
    socket.start();
  }
  addEventListener("hashchange", route);
  await route();
}

await begin();
