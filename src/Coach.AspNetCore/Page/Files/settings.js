// How the page looks, for this browser alone.
import { $, kept } from './dom.js';

const names = ['theme', 'size'];

export function applySettings() {
  for (const name of names) {
    const value = kept.get(name);
    if (value) document.documentElement.dataset[name] = value;
    const radio = document.querySelector(`input[name="${name}"][value="${CSS.escape(value ?? '')}"]`);
    if (radio) radio.checked = true;
  }
}

export function listenToSettings() {
  $('settings').addEventListener('change', ({ target }) => {
    if (!names.includes(target.name)) return;
    kept.set(target.name, target.value || null);
    if (target.value) document.documentElement.dataset[target.name] = target.value;
    else delete document.documentElement.dataset[target.name];
  });
  $('open-settings').addEventListener('click', () => $('settings').showModal());
  addEventListener('storage', ({ key }) => {
    if (key === 'coach.theme' || key === 'coach.size') applySettings();
  });
}
