// Credits, where the host sells answers: balance, price of an answer, packs, and the payment link of one.
const settled = ['succeeded', 'failed', 'expired'];
const units = (micro, currency) => `${(micro / 1e6).toLocaleString('en', { maximumFractionDigits: 6 })} ${currency.toUpperCase()}`;

export class Credits {
  constructor(view, problemOf) {
    Object.assign(this, { view, problemOf });
  }

  // A host that sells none has no such address.
  async load() {
    this.sells ??= (await (await fetch('/api/config')).json()).features?.credits === true;
    if (!this.sells) {
      this.view.section.hidden = true;
      return;
    }
    const response = await fetch('/api/credits');
    this.view.section.hidden = !response.ok;
    if (response.ok) {
      this.render(await response.json());
    }
  }

  render({ balance, pricePerTurnMicro, packs }) {
    this.view.balance.textContent = units(balance.micro - balance.reservedMicro, balance.currency);
    this.view.price.textContent = pricePerTurnMicro === null
      ? 'An answer costs what its model asks.'
      : `An answer costs ${units(pricePerTurnMicro, balance.currency)}.`;
    this.view.packs.replaceChildren(...packs.map(pack => {
      const row = document.createElement('li');
      const buy = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Buy more' });
      buy.addEventListener('click', () => this.buy(pack, buy));
      row.append(`${pack.title} (${units(pack.creditMicro, pack.currency)})`, buy);
      return row;
    }));
  }

  async buy(pack, button) {
    button.disabled = true;
    try {
      const response = await fetch('/api/credits/links', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
        body: JSON.stringify({ pack: pack.id }),
      });
      if (!response.ok) {
        throw await this.problemOf(response);
      }
      const link = await response.json();
      const anchor = Object.assign(document.createElement('a'), { href: link.url, target: '_blank', rel: 'noopener', textContent: 'Pay here' });
      this.view.message.replaceChildren(anchor);
      await this.follow(link.id);
    } catch (problem) {
      this.view.message.textContent = problem.message;
    } finally {
      button.disabled = false;
    }
  }

  async follow(id) {
    for (let i = 0; i < 150; i++) {
      await new Promise(resolve => setTimeout(resolve, 2000));
      const response = await fetch(`/api/payments/links/${encodeURIComponent(id)}`);
      const link = response.ok ? await response.json() : { status: 'pending' };
      await this.load();
      if (settled.includes(link.status)) {
        this.view.message.textContent = link.status === 'succeeded' ? 'Paid. Thank you.' : `The payment ${link.status}.`;
        setTimeout(() => this.load(), 2000);
        return;
      }
    }
  }
}
