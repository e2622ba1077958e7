// The session's tab, which lives on the server: lines by name from the host's price list, a tip, a bill and its payment link.
const tab = '/api/payments/tabs/main';
const tips = [0, 10, 15, 20];
const settled = ['succeeded', 'failed', 'expired'];
const empty = { currency: 'usd', lines: [], tip: 0, tipPercent: null, total: 0, link: null };

export class Tab {
  constructor(view, problemOf) {
    Object.assign(this, { view, problemOf, menu: { currency: 'usd', items: [] }, state: empty, link: null, isBusy: false });
    view.pay.addEventListener('click', () => this.act(() => this.pay()));
    view.fresh.addEventListener('click', () => this.act(() => this.clear()));
    view.cancel.addEventListener('click', () => this.act(() => this.cancel()));
    view.tip.append(...tips.map(percent => {
      const label = document.createElement('label');
      const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'tip', value: percent });
      radio.addEventListener('change', () => this.act(() => this.change('PUT', '/tip', { percent: percent || null })));
      label.append(radio, ` ${percent} %`);
      return label;
    }));
    this.render();
  }

  // What is on the tab is asked for: the chat may have put something on it, and another page of the session, too.
  async load() {
    try {
      this.menu = await this.ask('GET', '/api/payments/menu');
      this.state = this.menu.tab ?? empty;
      if (this.state.link && this.state.link !== this.link?.id) {
        this.link = await this.ask('GET', `/api/payments/links/${encodeURIComponent(this.state.link)}`);
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

  async act(step) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.render();
    let problem = null;
    try {
      await step();
    } catch (thrown) {
      problem = thrown;
    }
    this.isBusy = false;
    this.render();
    if (problem) this.say(problem.message, 'bad');
  }

  async ask(method, address, body, key) {
    const headers = { ...(body && { 'Content-Type': 'application/json' }), ...(key && { 'Idempotency-Key': key }) };
    const response = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
    if (!response.ok) throw await this.problemOf(response);
    return response.json();
  }

  async change(method, path, body, key) {
    this.state = await this.ask(method, tab + path, body, key);
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
    this.say('Creating the link…');
    this.link = await this.ask('POST', '/api/payments/links', { tab: 'main' }, randomKey());
    await this.load();
    this.follow();
  }

  // Closes the link, so that nobody can pay it; a payment that was faster stays, and so do the lines.
  async cancel() {
    this.link = await this.ask('DELETE', `/api/payments/links/${encodeURIComponent(this.link.id)}`);
    await this.load();
  }

  async follow() {
    const id = this.link.id;
    for (let poll = 0; poll < 100 && this.link?.id === id && !settled.includes(this.link.status); poll++) {
      await new Promise(resolve => setTimeout(resolve, 3000));
      const response = await fetch(`/api/payments/links/${encodeURIComponent(id)}`).catch(() => null);
      if (response?.status === 404) return;
      if (response?.ok && this.link?.id === id) {
        this.link = await response.json();
        if (settled.includes(this.link.status)) await this.load();
        this.render();
      }
    }
  }

  render() {
    const locked = this.isBusy || this.isOpen;
    this.view.menu.replaceChildren(...this.menu.items.map(item => {
      const lines = this.linesOf(item);
      const row = document.createElement('li');
      const count = Object.assign(document.createElement('span'), { className: 'count', textContent: lines.reduce((sum, line) => sum + line.quantity, 0) });
      const price = Object.assign(document.createElement('span'), { className: 'price', textContent: money(item.price) });
      const step = (text, verb, isDisabled, act) => {
        const element = Object.assign(document.createElement('button'), { type: 'button', textContent: text, disabled: isDisabled });
        element.setAttribute('aria-label', `${verb} ${item.name}`);
        element.addEventListener('click', () => this.act(act));
        return element;
      };
      row.append(
        item.name, price,
        step('−', 'Remove', locked || lines.length === 0, () => this.change('DELETE', `/lines/${encodeURIComponent(lines.at(-1).id)}`)),
        count,
        step('+', 'Add', locked, () => this.change('POST', '/lines', { item: item.id }, randomKey())));
      return row;
    }));
    for (const radio of this.view.tip.querySelectorAll('input')) {
      // What was just chosen stands until the answer is there.
      if (!this.isBusy) radio.checked = Number(radio.value) === Number(this.state.tipPercent ?? 0);
      radio.disabled = locked || this.state === empty;
    }
    this.view.total.textContent = `${money(this.state.total)} ${this.state.currency.toUpperCase()}`;
    this.view.pay.disabled = locked || this.state.total === 0;
    this.view.fresh.hidden = this.isOpen || this.state.total === 0;
    this.view.cancel.hidden = !this.isOpen;
    this.view.cancel.disabled = this.isBusy;
    if (this.link) this.showLink();
    else this.view.payment.replaceChildren();
  }

  showLink() {
    const { url, status, isSimulated } = this.link;
    const anchor = Object.assign(document.createElement('a'), { href: url, target: '_blank', rel: 'noopener', textContent: 'Payment link' });
    this.say('', status === 'succeeded' ? 'good' : status === 'pending' || status === 'processing' ? '' : 'bad');
    this.view.payment.replaceChildren(anchor, ` · ${status}${isSimulated ? ' · simulated, no money moves' : ''}`);
  }

  say(text, kind = '') {
    this.view.payment.className = `message ${kind}`;
    this.view.payment.textContent = text;
  }
}

function money(minorUnits) {
  return `${Math.floor(minorUnits / 100)}.${String(minorUnits % 100).padStart(2, '0')}`;
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}
