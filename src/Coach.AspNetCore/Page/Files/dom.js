// Small parts that all others are made of. Text is only ever set as text: no string becomes markup on this page.
export const $ = id => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') made.className = value;
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.startsWith('aria')) made[name] = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined));
  return made;
}

export function button(text, onclick, properties = {}) {
  return element('button', { type: 'button', onclick, ...properties }, text);
}

// A button that shows a sign and says its name.
export function iconButton(icon, name, onclick, properties = {}) {
  return element('button', { type: 'button', class: 'icon', 'aria-label': name, title: name, onclick, ...properties }, sign(icon));
}

const svg = 'http://www.w3.org/2000/svg';

export function sign(name) {
  const made = document.createElementNS(svg, 'svg');
  made.setAttribute('aria-hidden', 'true');
  made.setAttribute('class', 'sign');
  const use = document.createElementNS(svg, 'use');
  use.setAttribute('href', `#i-${name}`);
  made.append(use);
  return made;
}

export function say(target, text, kind = '') {
  target.textContent = text;
  target.className = `message ${kind}`;
}

// One announcement: what was there before is taken away first, or the same words would be silent the second time.
export function announce(text) {
  const target = $('announce');
  target.textContent = '';
  requestAnimationFrame(() => { target.textContent = text; });
}

const figures = new Intl.NumberFormat('en');
export const number = value => figures.format(value);

export function cost(micro, currency) {
  if (micro === null || micro === undefined) return 'cost unknown';
  const amount = micro / 1e6;
  return new Intl.NumberFormat('en', {
    style: 'currency', currency: currency.toUpperCase(), maximumFractionDigits: amount !== 0 && amount < 0.1 ? 6 : 2,
  }).format(amount);
}

export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}

// What a browser forbids to keep (a private window, a full disk) is not kept, and nothing else fails.
export const kept = {
  get(name) {
    try {
      return localStorage.getItem(`coach.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`coach.${name}`);
      else localStorage.setItem(`coach.${name}`, value);
    } catch {
      // As above.
    }
  },
};
