// What was used in all: tokens and cost by model, limits and what is left of them.
import { call } from './calls.js';
import { $, cost, element, number } from './dom.js';

export async function drawUsage() {
  try {
    const { days, currency, limits } = await call('GET', '/api/usage');
    const models = new Map();
    for (const day of days) {
      const name = `${day.provider} · ${day.model}`;
      const sum = models.get(name) ?? { calls: 0, tokens: 0, micro: 0 };
      sum.calls += day.calls;
      sum.tokens += day.inputTokens + day.outputTokens;
      sum.micro = sum.micro === null || day.costMicro === null ? null : sum.micro + day.costMicro;
      models.set(name, sum);
    }
    const rows = [...models].map(([name, sum]) => element('li', {}, element('span', {}, name), element('span', { class: 'figure' },
      `${number(sum.tokens)} tokens · ${cost(sum.micro, currency)}`)));
    $('usage').replaceChildren(
      rows.length > 0 ? element('ul', { class: 'rows' }, rows) : element('p', { class: 'hint' }, 'No model was called yet. Mock answers cost nothing.'),
      ...limits.map(limit => limitRow(limit, currency)));
  } catch (problem) {
    $('usage').replaceChildren(element('p', { class: 'hint' }, problem.message));
  }
}

function limitRow(limit, currency) {
  const figure = value => (limit.unit === 'cost' ? cost(value, currency) : `${number(value)} ${limit.unit}`);
  const used = limit.used + limit.reserved;
  const name = `${limit.name}: ${figure(used)} of ${figure(limit.max)} a ${limit.period}`;
  return element('p', { class: 'limit' }, element('span', {}, name), element('meter', { min: 0, max: limit.max, value: Math.min(used, limit.max), 'aria-label': name }));
}
