import { call } from "./api.js";
import { element, list, show, tell } from "./dom.js";

const yaml = "application/yaml";
const path = () => `/admin/config/${element("config-name").value}`;

export async function showAdmin() {
  await loadConfig();
  await showUsers();
  const jobs = await call("GET", "/admin/jobs");
  element("counts").textContent = `${jobs.queued} wait, ${jobs.running} run.`;
  element("jobs").replaceChildren(...jobs.jobs.map(job => {
    const item = document.createElement("li");
    item.append(`${new Date(job.createdAt).toLocaleString()} · ${job.status} · ${job.id} `);
    if (job.status === "done") item.append(button("Prompt and answer", () => showDebug(job.id)));
    return item;
  }));
  const health = await call("GET", "/health/detailed");
  list("health", Object.entries(health.checks).map(([name, part]) => `${name}: ${part.status}. ${part.description}`));
}

async function loadConfig() {
  element("yaml").value = await call("GET", path());
  element("diff").textContent = "";
  element("yaml-error").textContent = "";
}

async function showDebug(id) {
  const { prompt, answer } = await call("GET", `/admin/debug/${id}`);
  element("debug-prompt").textContent = prompt ?? "It was judged without a model, or before prompts were kept.";
  element("debug-answer").textContent = answer ?? "";
  show("debug", true);
  element("debug").focus();
}

function button(text, work) {
  const made = Object.assign(document.createElement("button"), { textContent: text, type: "button", className: "small" });
  made.addEventListener("click", () => guarded(work));
  return made;
}

async function showUsers() {
  let users;
  try {
    users = await call("GET", "/admin/users");
  } catch (failure) {
    if (failure.status !== 409) throw failure;
    list("users", [failure.message]);
    show("add-user", false);
    return;
  }
  element("users").replaceChildren(...users.map(user => {
    const item = document.createElement("li");
    item.append(`${user.user}${user.isAdmin ? " (admin)" : ""} `, button(`Remove ${user.user}`, async () => {
      if (!confirm(`Remove ${user.user} with all that is kept of them?`)) return;
      await call("DELETE", `/admin/users/${encodeURIComponent(user.user)}`);
      await showUsers();
    }));
    return item;
  }));
}

// A file that cannot be used is told beside its text, and its line is selected.
async function edited(work) {
  const text = element("yaml");
  text.removeAttribute("aria-invalid");
  element("yaml-error").textContent = "";
  try {
    await work();
  } catch (failure) {
    if (failure.status !== 422) throw failure;
    text.setAttribute("aria-invalid", "true");
    element("yaml-error").textContent = failure.message;
    element("diff").textContent = "";
    if (failure.line) select(text, failure.line);
  }
}

function select(text, line) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  text.scrollTop = Math.max(0, (line - 4) * text.scrollHeight / lines.length);
}

async function guarded(work) {
  try {
    tell("");
    await work();
  } catch (failure) {
    tell(failure.message, true);
  }
}

element("config-name").addEventListener("change", () => guarded(loadConfig));
element("debug-close").addEventListener("click", () => show("debug", false));
element("check").addEventListener("click", () => guarded(() => edited(async () => {
  const answer = await call("POST", `${path()}/check`, element("yaml").value, yaml);
  element("diff").textContent = answer.diff.join("\n") || "Nothing changed.";
})));
element("config").addEventListener("submit", event => {
  event.preventDefault();
  guarded(() => edited(async () => {
    const answer = await call("PUT", path(), element("yaml").value, yaml);
    element("diff").textContent = answer.diff.join("\n") || "Nothing changed.";
    tell(`It is in use. The old file is kept as ${answer.backup}.`);
  }));
});
element("add-user").addEventListener("submit", event => {
  event.preventDefault();
  guarded(async () => {
    await call("POST", "/admin/users", {
      username: element("new-name").value, password: element("new-password").value, isAdmin: element("new-admin").checked });
    event.target.reset();
    await showUsers();
  });
});
