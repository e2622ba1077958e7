export const element = id => document.getElementById(id);

export function show(id, isShown) {
  element(id).hidden = !isShown;
}

export function tell(message, isBad = false) {
  element("message").textContent = message;
  element("message").classList.toggle("bad", isBad);
}

export function list(id, texts) {
  element(id).replaceChildren(...texts.map(text => Object.assign(document.createElement("li"), { textContent: text })));
}
