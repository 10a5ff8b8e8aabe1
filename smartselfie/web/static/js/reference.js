// Renders the server's OpenAPI description as a page to read.

import { api } from "./api.js";
import { $, el } from "./dom.js";

const EXAMPLES = {
  "post /api/v1/classify": "-F file=@photo.jpg ",
  "post /api/v1/arm": "--json '{\"on\": false}' ",
  "patch /api/v1/settings": "-X PATCH --json '{\"values\": {\"trigger.threshold\": 0.7}}' ",
  "post /api/v1/settings/save": "--json '{}' ",
  "patch /api/v1/shots/{id}": "-X PATCH --json '{\"rating\": 5}' ",
  "post /api/v1/archive": "-d ids=ID,ID -o pictures.zip ",
  "get /api/v1/archive": "-o pictures.zip ",
  "get /api/v1/shots/{id}/picture": "-O -J ",
  "get /api/v1/shots/{id}/thumbnail": "-o thumbnail.jpg ",
  "get /api/v1/events": "-N ",
  "post /api/v1/session": "-c jar --json '{\"password\": \"PASSWORD\"}' ",
};

function resolve(schema, description) {
  const name = schema?.$ref?.split("/").pop();
  return name ? description.components.schemas[name] : schema;
}

/** A type in a word or two. */
function kind(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  return schema.type ?? "anything";
}

function rows(method, operation, description) {
  const found = (operation.parameters ?? []).map((each) => [each.name, `${each.in}, ${kind(each.schema)}`, each.description ?? ""]);
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {})) {
    for (const [name, field] of Object.entries(resolve(schema, description)?.properties ?? {})) {
      found.push([name, `${type === "application/json" ? "JSON" : "form"}, ${kind(field)}`, field.description ?? ""]);
    }
  }
  const answer = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  for (const [type, { schema }] of Object.entries(answer?.[1].content ?? {})) {
    found.push([`→ ${answer[0]}`, schema?.$ref ? kind(schema) : type, answer[1].description ?? ""]);
  }
  return found;
}

function route(method, path, operation, description) {
  const key = `${method} ${path}`;
  const verb = key in EXAMPLES || method === "get" ? "" : `-X ${method.toUpperCase()} `;
  const remove = method === "delete" && !verb ? "-X DELETE " : "";
  const command = `curl ${remove}${verb}${EXAMPLES[key] ?? ""}${location.origin}${path.replace("{id}", "ID")}`;
  return el(
    "article",
    { class: "card route" },
    el("h3", {}, el("span", { class: "method" }, method.toUpperCase()), el("code", {}, path)),
    el("p", { class: "quiet" }, operation.description ?? operation.summary),
    el("table", {}, el("tbody", {}, ...rows(method, operation, description).map(([name, type, text]) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, name)), el("td", {}, type), el("td", {}, text))))),
    el("pre", { tabindex: "0", "aria-label": "Example" }, el("code", {}, command)),
  );
}

const description = await api.get("/openapi.json");
const groups = new Map();
for (const [path, operations] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const tag = operation.tags?.[0] ?? "other";
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(route(method, path, operation, description));
  }
}
for (const [tag, routes] of groups) $("#routes").append(el("h2", {}, tag), ...routes);
