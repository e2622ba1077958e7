// A payment link on its way: followed until it is settled.
import { call } from './calls.js';
import { element } from './dom.js';

export const settled = ['succeeded', 'failed', 'expired'];
const polls = 100;
const pause = 3000; // milliseconds

export function linkElement(link, text) {
  return element('a', { href: link.url, target: '_blank', rel: 'noopener' }, text);
}

// Asks now and then until the link is settled, or wants() says no; a break in between is waited out.
export async function follow(id, wants, onState) {
  for (let poll = 0; poll < polls && wants(); poll++) {
    await new Promise(resolve => setTimeout(resolve, pause));
    try {
      const link = await call('GET', `/api/payments/links/${encodeURIComponent(id)}`);
      if (!wants()) return;
      await onState(link);
      if (settled.includes(link.status)) return;
    } catch (problem) {
      if (problem.status === 404) return;
    }
  }
}
