// Calls to the server; every error is one sentence, as its problem+json says it.

export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function call(method, path, { json, form } = {}) {
  const options = { method, headers: { accept: "application/json" } };
  if (json !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(json);
  } else if (form) options.body = form;
  let response;
  try {
    response = await fetch(`/api/v1${path}`, options);
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
  if (response.status === 401 && path !== "/session") {
    location.reload(); // the session has ended: the server shows the log-in form here
  }
  const kind = response.headers.get("content-type") ?? "";
  const body = kind.includes("json") && response.status !== 204 ? await response.json() : null;
  if (!response.ok) throw new ApiError(response.status, sentence(body?.detail ?? `Error ${response.status}`));
  return body;
}

function sentence(text) {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?)]$/.test(first) ? first : `${first}.`;
}

export const api = {
  get: (path) => call("GET", path),
  post: (path, json) => call("POST", path, { json }),
  patch: (path, json) => call("PATCH", path, { json }),
  remove: (path) => call("DELETE", path),
  upload: (path, form) => call("POST", path, { form }),
};
