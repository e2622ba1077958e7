import { call, session, watch } from "./api.js";
import { showFeedback } from "./feedback.js";
import { showProgress } from "./progress.js";
import { showAdmin } from "./admin.js";
import { element, show, tell } from "./dom.js";

const pages = ["login", "write", "feedback", "progress", "help", "admin"];
let user = null;
let rubric = null;
let running = null;
let next = null;

async function open(page) {
  if (!user) page = "login";
  for (const each of pages) show(`page-${each}`, each === page);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    if (page === "write") await showHistory();
    if (page === "progress") showProgress(await call("GET", "/progress"));
    if (page === "help") showHelp();
    if (page === "admin") await showAdmin();
  } catch (failure) {
    tell(failure.message, true);
  }
}

const current = () => pages.find(page => location.hash === `#${page}`) ?? "write";

async function begin() {
  try {
    user = await session();
  } catch (failure) {
    if (failure.status !== 401) tell(failure.message, true);
    user = null;
  }
  element("user").textContent = user?.user ?? "";
  show("logout", Boolean(user?.csrfToken));
  show("admin-link", Boolean(user?.isAdmin));
  show("change-password", Boolean(user?.csrfToken));
  show("pages", Boolean(user));
  if (user) {
    rubric = await call("GET", "/rubric");
    element("text").value = localStorage.getItem("memo-draft") ?? "";
    count();
  }
  await open(current());
}

// Characters as the host counts them: a pair of surrogates is one.
function count() {
  const length = [...element("text").value].length;
  const limit = `${length.toLocaleString("en")} of ${rubric.minLength} to ${rubric.maxLength.toLocaleString("en")} characters`;
  element("counter").textContent = limit;
}

function save() {
  const text = element("text").value;
  if (!user || localStorage.getItem("memo-draft") === text) return;
  localStorage.setItem("memo-draft", text);
  element("saved").textContent = `Saved in this browser at ${new Date().toLocaleTimeString()}`;
}

async function submit(event) {
  event.preventDefault();
  save();
  const file = element("file").files[0];
  let body = { text: element("text").value };
  if (file) {
    body = new FormData();
    body.append("file", file);
  }
  try {
    const job = await call("POST", "/evaluations", body);
    running = job.id;
    show("cancel", true);
    const words = { queued: "It waits for its turn.", running: "It is being judged.", cancelled: "It was cancelled." };
    const status = await watch(job.id, state => tell(words[state] ?? ""));
    if (status === "done") await openFeedback(job.id);
    if (status === "failed") tell((await call("GET", `/evaluations/${job.id}`)).error.message, true);
    await showHistory();
  } catch (failure) {
    tell(failure.message, true);
  } finally {
    running = null;
    show("cancel", false);
    element("file").value = "";
  }
}

async function openFeedback(id) {
  const [evaluation, text] = await Promise.all([
    call("GET", `/evaluations/${id}`), call("GET", `/evaluations/${id}/text`)]);
  show("mock", evaluation.isMock);
  showFeedback(evaluation, text);
  location.hash = "#feedback";
  element("main").focus();
}

async function showHistory(before) {
  const page = await call("GET", `/evaluations${before ? `?before=${before}` : ""}`);
  const list = element("history");
  if (!before) list.replaceChildren();
  for (const item of page.evaluations) {
    const row = document.createElement("li");
    const link = document.createElement("button");
    const score = item.overall === undefined ? item.status : `${item.overall} of 5`;
    link.textContent = `${new Date(item.createdAt).toLocaleString()} · ${score}${item.isMock ? " · mock" : ""} · ${item.beginning}`;
    link.disabled = item.status !== "done";
    link.addEventListener("click", () => openFeedback(item.id).catch(failure => tell(failure.message, true)));
    row.append(link);
    list.append(row);
  }
  next = page.next ?? null;
  show("more", next !== null);
}

function showHelp() {
  element("rubric-description").textContent = `${rubric.name}. ${rubric.description}`;
  element("rubric").replaceChildren(...rubric.criteria.map(criterion => {
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = `${criterion.name} (weight ${criterion.weight}): ${criterion.description}`;
    const levels = document.createElement("ol");
    levels.append(...criterion.levels.map(level => Object.assign(document.createElement("li"), { textContent: level })));
    details.append(summary, levels);
    return details;
  }));
  element("frameworks").replaceChildren(...rubric.frameworks.flatMap(framework => [
    Object.assign(document.createElement("dt"), { textContent: framework.name }),
    Object.assign(document.createElement("dd"), { textContent: framework.description })]));
}

async function guarded(work) {
  try {
    tell("");
    await work();
  } catch (failure) {
    tell(failure.message, true);
  }
}

element("login").addEventListener("submit", event => {
  event.preventDefault();
  guarded(async () => {
    await call("POST", "/auth/login", { username: element("username").value, password: element("password").value });
    element("password").value = "";
    await begin();
  });
});
element("logout").addEventListener("click", () => guarded(async () => {
  await call("POST", "/auth/logout");
  localStorage.removeItem("memo-draft");
  await begin();
}));
element("change-password").addEventListener("submit", event => {
  event.preventDefault();
  guarded(async () => {
    await call("POST", "/auth/password", {
      current: element("old-password").value, new: element("next-password").value });
    event.target.reset();
    await begin();
    tell("It is changed. Log in with the new one.");
  });
});
element("erase").addEventListener("click", () => guarded(async () => {
  if (!confirm("Delete everything that is kept of you? This cannot be undone.")) return;
  await call("DELETE", "/me");
  localStorage.removeItem("memo-draft");
  await begin();
}));
element("cancel").addEventListener("click", () => guarded(async () => {
  if (running) await call("DELETE", `/evaluations/${running}`);
}));
element("more").addEventListener("click", () => guarded(() => showHistory(next)));
element("editor").addEventListener("submit", submit);
element("text").addEventListener("input", count);
addEventListener("hashchange", () => open(current()));
addEventListener("pagehide", save);

await begin();
document.documentElement.dataset.ready = "";
setInterval(save, (rubric?.autosaveSeconds ?? 30) * 1000);
