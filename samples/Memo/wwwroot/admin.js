import { call } from "./api.js";
import { element, list, tell } from "./dom.js";

const yaml = "application/yaml";
const path = () => `/admin/config/${element("config-name").value}`;

export async function showAdmin() {
  await loadConfig();
  await showUsers();
  const jobs = await call("GET", "/admin/jobs");
  element("counts").textContent = `${jobs.queued} wait, ${jobs.running} run.`;
  list("jobs", jobs.jobs.map(job => `${new Date(job.createdAt).toLocaleString()} · ${job.status} · ${job.id}`));
  const health = await call("GET", "/health/detailed");
  list("health", Object.entries(health.checks).map(([name, part]) => `${name}: ${part.status}. ${part.description}`));
}

async function loadConfig() {
  element("yaml").value = await call("GET", path());
  element("diff").textContent = "";
}

async function showUsers() {
  const users = await call("GET", "/admin/users");
  element("users").replaceChildren(...users.map(user => {
    const item = document.createElement("li");
    const remove = Object.assign(document.createElement("button"), { textContent: `Remove ${user.user}`, type: "button" });
    remove.addEventListener("click", () => guarded(async () => {
      if (!confirm(`Remove ${user.user} with all that is kept of them?`)) return;
      await call("DELETE", `/admin/users/${encodeURIComponent(user.user)}`);
      await showUsers();
    }));
    item.append(`${user.user}${user.isAdmin ? " (admin)" : ""} `, remove);
    return item;
  }));
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
element("check").addEventListener("click", () => guarded(async () => {
  const answer = await call("POST", `${path()}/check`, element("yaml").value, yaml);
  element("diff").textContent = answer.diff.join("\n") || "Nothing changed.";
}));
element("config").addEventListener("submit", event => {
  event.preventDefault();
  guarded(async () => {
    const answer = await call("PUT", path(), element("yaml").value, yaml);
    element("diff").textContent = answer.diff.join("\n") || "Nothing changed.";
    tell(`It is in use. The old file is kept as ${answer.backup}.`);
  });
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
