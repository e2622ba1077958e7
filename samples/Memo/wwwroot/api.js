// The calls of the page. A change carries the session's token; a failure is an Error with the problem's sentence.
let csrf = "";

export async function call(method, path, body, type) {
  const headers = {};
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  let content = body;
  if (type) headers["Content-Type"] = type;
  else if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    content = JSON.stringify(body);
  }
  const response = await fetch("/api/v1" + path, { method, headers, body: content, credentials: "same-origin" });
  const answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : await response.text();
  if (response.ok) return answer;
  const failure = new Error(answer.detail ?? `The host answered ${response.status}.`);
  failure.status = response.status;
  failure.line = answer.line;
  throw failure;
}

export async function session() {
  const known = await call("GET", "/auth/session");
  csrf = known.csrfToken;
  return known;
}

// Each state of an evaluation until the last one.
export function watch(id, onStatus) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/api/v1/evaluations/${id}/events`);
    events.addEventListener("status", event => {
      const { status } = JSON.parse(event.data);
      onStatus(status);
      if (["done", "failed", "cancelled"].includes(status)) {
        events.close();
        resolve(status);
      }
    });
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) reject(new Error("The connection to the host was lost."));
    };
  });
}
