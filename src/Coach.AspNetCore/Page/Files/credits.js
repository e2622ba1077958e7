// Credits, where the host sells answers: balance, price of an answer, packs, and the payment link of one.
import { address, call } from './calls.js';
import { $, button, cost, element, randomName } from './dom.js';
import { follow, linkElement } from './links.js';

export class Credits {
  constructor(features) {
    this.sells = features.credits;
    $('credits').hidden = !this.sells;
    if (this.sells) $('usage-export').href = address('/api/usage/export');
  }

  async load() {
    if (!this.sells) return;
    try {
      this.draw(await call('GET', '/api/credits'));
    } catch (problem) {
      $('credits-message').textContent = problem.message;
    }
  }

  draw({ balance, pricePerTurnMicro, packs }) {
    $('balance').textContent = cost(balance.micro - balance.reservedMicro, balance.currency);
    $('price').textContent = pricePerTurnMicro === null
      ? 'An answer costs what its model asks.'
      : `An answer costs ${cost(pricePerTurnMicro, balance.currency)}.`;
    // Drawn once: what is on sale does not change, and a button that was pressed keeps the focus.
    if ($('packs').childElementCount > 0) return;
    $('packs').replaceChildren(...packs.map(pack => element('li', {},
      `${pack.title} (${cost(pack.creditMicro, pack.currency)})`,
      button('Buy more', () => this.buy(pack), { 'aria-label': `Buy more: ${pack.title}` }))));
  }

  async buy(pack) {
    if (this.isBuying) return;
    this.isBuying = true;
    try {
      const link = await call('POST', '/api/credits/links', { pack: pack.id }, { 'Idempotency-Key': randomName() });
      $('credits-message').replaceChildren(linkElement(link, 'Pay here'));
      this.wait(link.id);
    } catch (problem) {
      $('credits-message').textContent = problem.message;
    } finally {
      this.isBuying = false;
    }
  }

  wait(id) {
    this.waitingFor = id;
    return follow(id, () => this.waitingFor === id, async link => {
      if (link.status === 'succeeded') $('credits-message').textContent = 'Paid. Thank you.';
      else if (link.status !== 'pending' && link.status !== 'processing') $('credits-message').textContent = `The payment ${link.status}.`;
      await this.load();
    });
  }
}
