// The session's tab, which lives on the server: lines by name from the host's price list, a tip, a bill and its payment
// link.
import { call } from './calls.js';
import { $, element, iconButton, randomName } from './dom.js';
import { follow, linkElement, settled } from './links.js';

const tab = '/api/payments/tabs/main';
const tips = [0, 10, 15, 20];
const empty = { currency: 'usd', lines: [], tip: 0, tipPercent: null, total: 0, link: null };

export class Tab {
  constructor() {
    Object.assign(this, { menu: { currency: 'usd', items: [] }, state: empty, link: null, waiting: 0, last: Promise.resolve() });
    $('pay').addEventListener('click', () => this.act(() => this.pay()));
    $('new-tab').addEventListener('click', () => this.act(() => this.clear()));
    $('cancel').addEventListener('click', () => this.act(() => this.cancel()));
    $('tip').append(...tips.map(percent => {
      const onchange = () => this.act(() => this.change('PUT', '/tip', { percent: percent || null }));
      return element('label', {}, element('input', { type: 'radio', name: 'tip', value: percent, onchange }), ` ${percent} %`);
    }));
    this.render();
  }

  // What is on the tab is asked for: the chat may have put something on it, and another page of the session, too.
  async load() {
    try {
      this.menu = await call('GET', '/api/payments/menu');
      this.state = this.menu.tab ?? empty;
      if (this.state.link && this.state.link !== this.link?.id) {
        this.link = await call('GET', `/api/payments/links/${encodeURIComponent(this.state.link)}`);
        this.follow();
      }
      this.render();
    } catch (problem) {
      this.say(problem.message, 'bad');
    }
  }

  get isOpen() {
    return this.link !== null && !settled.includes(this.link.status);
  }

  linesOf(item) {
    return this.state.lines.filter(line => line.description === item.name && !line.isPaid);
  }

  // One step at a time, in the order of the clicks: none is lost, however slow the server is. Nothing is switched off
  // meanwhile, so that the keyboard stays where it is.
  act(step) {
    this.waiting++;
    this.last = this.last.then(async () => {
      let problem = null;
      try {
        await step();
      } catch (thrown) {
        problem = thrown;
      }
      this.waiting--;
      this.render();
      if (problem) this.say(problem.message, 'bad');
    });
  }

  get isBusy() {
    return this.waiting > 0;
  }

  async change(method, path, body, headers) {
    this.state = await call(method, tab + path, body, headers);
    if (!this.isOpen) this.link = null;
  }

  async clear() {
    for (const line of this.state.lines.filter(line => !line.isPaid && !line.isBilled)) {
      await this.change('DELETE', `/lines/${encodeURIComponent(line.id)}`);
    }
    this.link = null;
  }

  // The bill's link follows from the tab and the bill's number: asked twice, it is the same one.
  async pay() {
    if (this.isOpen) return; // pressed twice
    this.say('Creating the link…');
    this.link = await call('POST', '/api/payments/links', { tab: 'main' }, once());
    await this.load();
    this.follow();
  }

  // Closes the link, so that nobody can pay it; a payment that was faster stays, and so do the lines.
  async cancel() {
    if (!this.isOpen) return;
    this.link = await call('DELETE', `/api/payments/links/${encodeURIComponent(this.link.id)}`);
    await this.load();
  }

  follow() {
    const { id } = this.link;
    return follow(id, () => this.link?.id === id && !settled.includes(this.link.status), async link => {
      this.link = link;
      if (settled.includes(link.status)) await this.load();
      this.render();
    });
  }

  render() {
    const focused = document.activeElement?.closest?.('#tab') ? document.activeElement : null;
    const locked = this.isOpen;
    $('tab').hidden = this.menu.items.length === 0 && this.state.lines.length === 0;
    $('menu').replaceChildren(...this.menu.items.map(item => this.row(item, locked)));
    for (const radio of $('tip').querySelectorAll('input')) {
      // What was just chosen stands until the answer is there.
      if (!this.isBusy) radio.checked = Number(radio.value) === Number(this.state.tipPercent ?? 0);
      radio.disabled = locked || this.state === empty;
    }
    $('total').textContent = `${money(this.state.total)} ${this.state.currency.toUpperCase()}`;
    $('pay').disabled = locked || this.state.total === 0;
    $('new-tab').hidden = this.isOpen || this.state.total === 0;
    $('cancel').hidden = !this.isOpen;
    if (this.link) this.showLink();
    else $('payment').replaceChildren();
    if (focused && document.activeElement !== focused) this.focusAgain(focused);
  }

  row(item, locked) {
    const lines = this.linesOf(item);
    const step = (icon, verb, disabled, act) => iconButton(icon, `${verb} ${item.name}`, () => this.act(act), { disabled });
    return element('li', {},
      element('span', { dir: 'auto' }, item.name),
      element('span', { class: 'price' }, money(item.price)),
      step('minus', 'Remove', locked || lines.length === 0, () => this.removeLast(item)),
      element('span', { class: 'count' }, String(lines.reduce((sum, line) => sum + line.quantity, 0))),
      step('plus', 'Add', locked, () => this.change('POST', '/lines', { item: item.id }, once())));
  }

  async removeLast(item) {
    const line = this.linesOf(item).at(-1);
    if (line) await this.change('DELETE', `/lines/${encodeURIComponent(line.id)}`);
  }

  // What was pressed was drawn again, or is off now: the same button, its neighbour, or the next step.
  focusAgain(focused) {
    const name = focused.getAttribute('aria-label');
    const same = name ? $('menu').querySelector(`[aria-label="${CSS.escape(name)}"]:enabled`) : null;
    const other = name ? $('menu').querySelector(`[aria-label="${CSS.escape(name.replace(/^Remove /, 'Add '))}"]:enabled`) : null;
    const next = $('payment').querySelector('a') ?? $('menu').querySelector('button:enabled');
    (same ?? other ?? next)?.focus();
  }

  showLink() {
    const { status, isSimulated } = this.link;
    let kind = 'bad';
    if (status === 'succeeded') kind = 'good';
    else if (!settled.includes(status)) kind = '';
    this.say('', kind);
    $('payment').replaceChildren(linkElement(this.link, 'Payment link'), ` · ${status}${isSimulated ? ' · simulated, no money moves' : ''}`);
  }

  say(text, kind = '') {
    $('payment').className = `message ${kind}`;
    $('payment').textContent = text;
  }
}

const once = () => ({ 'Idempotency-Key': randomName() });

function money(minorUnits) {
  return `${Math.floor(minorUnits / 100)}.${String(minorUnits % 100).padStart(2, '0')}`;
}
