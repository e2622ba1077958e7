// A tab: items and a tip in minor units, one operation key per tab, a payment link and its status.
const currency = 'usd';
const items = [
  { name: 'Espresso', amount: 300 },
  { name: 'Sandwich', amount: 850 },
  { name: 'One hour of coaching', amount: 4500 },
];
const tips = [0, 10, 15, 20];
const unknown = ['ERR_PAYMENT_UNCERTAIN', 'ERR_IDEMPOTENCY_IN_PROGRESS'];
const settled = ['succeeded', 'failed', 'expired'];

export class Tab {
  constructor(view, problemOf) {
    this.view = view;
    this.problemOf = problemOf;
    this.state = JSON.parse(sessionStorage.getItem('tab') ?? 'null') ?? Tab.empty();
    view.pay.addEventListener('click', () => this.pay());
    view.fresh.addEventListener('click', () => {
      this.state = Tab.empty();
      this.render();
    });
    view.cancel.addEventListener('click', () => this.cancel());
    view.tip.append(...tips.map(percent => {
      const label = document.createElement('label');
      const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'tip', value: percent });
      radio.addEventListener('change', () => this.change(state => { state.tip = percent; }));
      label.append(radio, ` ${percent} %`);
      return label;
    }));
    this.render();
    if (this.state.link) this.follow();
  }

  // The operation key belongs to this tab: sending it again asks for the same link, never for a second one.
  static empty() {
    return { key: randomKey(), counts: items.map(() => 0), tip: 0, link: null, hasFailed: false, isUncertain: false };
  }

  get subtotal() {
    return items.reduce((sum, item, index) => sum + item.amount * this.state.counts[index], 0);
  }

  // Half a minor unit rounds up, in whole numbers only.
  get total() {
    return this.subtotal + Math.floor((this.subtotal * this.state.tip + 50) / 100);
  }

  change(edit) {
    if (this.state.link || this.state.isUncertain) return;
    edit(this.state);
    if (this.state.hasFailed) Object.assign(this.state, { key: randomKey(), hasFailed: false });
    this.render();
  }

  render() {
    sessionStorage.setItem('tab', JSON.stringify(this.state));
    const locked = this.state.link !== null || this.state.isUncertain;
    this.view.menu.replaceChildren(...items.map((item, index) => {
      const row = document.createElement('li');
      const count = Object.assign(document.createElement('span'), { className: 'count', textContent: this.state.counts[index] });
      const price = Object.assign(document.createElement('span'), { className: 'price', textContent: money(item.amount) });
      const step = (text, by) => {
        const element = Object.assign(document.createElement('button'), { type: 'button', textContent: text, disabled: locked });
        element.setAttribute('aria-label', `${by > 0 ? 'Add' : 'Remove'} ${item.name}`);
        element.addEventListener('click', () => this.change(state => { state.counts[index] = Math.max(0, Math.min(99, state.counts[index] + by)); }));
        return element;
      };
      row.append(item.name, price, step('−', -1), count, step('+', 1));
      return row;
    }));
    for (const radio of this.view.tip.querySelectorAll('input')) {
      radio.checked = Number(radio.value) === this.state.tip;
      radio.disabled = locked;
    }
    this.view.total.textContent = `${money(this.total)} ${currency.toUpperCase()}`;
    this.view.pay.disabled = this.state.link !== null || this.total === 0;
    this.view.fresh.hidden = this.state.link === null;
    this.view.cancel.hidden = this.state.link === null || settled.includes(this.state.link.status);
    if (this.state.link) this.showLink();
    else this.view.payment.replaceChildren();
  }

  async pay() {
    this.view.pay.disabled = true;
    this.say('Creating the link…');
    const description = items.map((item, index) => [this.state.counts[index], item.name]).filter(([count]) => count > 0)
      .map(([count, name]) => `${count} × ${name}`).join(', ') + (this.state.tip ? `, tip ${this.state.tip} %` : '');
    try {
      const response = await fetch('/api/payments/links', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': this.state.key },
        body: JSON.stringify({ amount: this.total, currency, description }),
      });
      if (!response.ok) throw await this.problemOf(response);
      Object.assign(this.state, { link: await response.json(), hasFailed: false, isUncertain: false });
      this.render();
      this.follow();
    } catch (problem) {
      // A link may exist unless the server said no: then only the very same request may be repeated. After a no, an edit begins anew.
      this.state.isUncertain = !problem.code || unknown.includes(problem.code);
      this.state.hasFailed = !this.state.isUncertain;
      this.render();
      this.say(`${problem.message}${this.state.isUncertain ? ' Press the button again to ask for the same link.' : ''}`, 'bad');
    }
  }

  // Closes the link, so that nobody can pay it; a payment that was faster stays.
  async cancel() {
    const id = this.state.link.id;
    this.view.cancel.disabled = true;
    try {
      const response = await fetch(`/api/payments/links/${encodeURIComponent(id)}`, { method: 'DELETE' });
      if (!response.ok) throw await this.problemOf(response);
      if (this.state.link?.id === id) this.state.link = await response.json();
      this.render();
    } catch (problem) {
      this.say(problem.message, 'bad');
    } finally {
      this.view.cancel.disabled = false;
    }
  }

  async follow() {
    const id = this.state.link.id;
    for (let poll = 0; poll < 100 && this.state.link?.id === id && !settled.includes(this.state.link.status); poll++) {
      await new Promise(resolve => setTimeout(resolve, 3000));
      const response = await fetch(`/api/payments/links/${encodeURIComponent(id)}`).catch(() => null);
      if (response?.status === 404) return;
      if (response?.ok && this.state.link?.id === id) {
        this.state.link = await response.json();
        this.render();
      }
    }
  }

  showLink() {
    const { url, status, isSimulated } = this.state.link;
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
