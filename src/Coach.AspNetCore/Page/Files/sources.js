// The passages behind an answer: one opened with its document, all of them listed, and what each method gave them.
import { call } from './calls.js';
import { isSamePassage, placeOf } from './citations.js';
import { $, button, element } from './dom.js';

export class Sources {
  constructor(features) {
    this.features = features;
    this.opener = null;
    $('passage').addEventListener('close', () => this.opener?.isConnected && this.opener.focus());
  }

  list(passages) {
    const rows = passages.map(passage => element('li', {}, element('button', { type: 'button', dir: 'auto', onclick: event => this.open(passage, event.currentTarget) },
      element('span', { class: 'n' }, String(passage.n)), element('span', {}, placeOf(passage)))));
    return element('ol', { class: 'sources', 'aria-label': 'Sources' }, rows);
  }

  open(passage, opener) {
    this.opener = opener;
    $('passage-title').textContent = `[${passage.n}] ${passage.source}`;
    $('passage-heading').textContent = [passage.heading, passage.page ? `page ${passage.page}` : null, `score ${passage.score.toFixed(3)}`].filter(Boolean).join(' · ');
    $('passage-text').replaceChildren(element('mark', { dir: 'auto' }, passage.text));
    const whole = $('passage-whole');
    whole.hidden = !this.features.knowledgeEditing;
    whole.onclick = () => this.showWhole(passage);
    $('passage-note').textContent = '';
    $('passage').showModal();
    $('passage-text').scrollTop = 0;
  }

  // The document as it was read, scrolled to the passage that was cited.
  async showWhole(passage) {
    $('passage-note').textContent = 'Loading the document…';
    try {
      const { title, passages } = await this.find(passage.source);
      const parts = passages.map(part => {
        const isCited = isSamePassage(part.text, passage.text);
        const head = [part.heading, part.page ? `page ${part.page}` : null].filter(Boolean).join(' · ');
        return element('section', {}, head ? element('h3', { dir: 'auto' }, head) : null, element(isCited ? 'mark' : 'span', { dir: 'auto' }, part.text));
      });
      $('passage-text').replaceChildren(...parts);
      $('passage-note').textContent = title && title !== passage.source ? title : '';
      $('passage-whole').hidden = true;
      $('passage-text').querySelector('mark')?.scrollIntoView({ block: 'center' });
      $('passage-text').focus();
    } catch (problem) {
      $('passage-note').textContent = problem.message;
    }
  }

  async find(source) {
    const read = id => call('GET', `/api/knowledge/${id.split('/').map(encodeURIComponent).join('/')}`);
    try {
      return await read(source);
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      return read(`upload/${source}`); // what was added over the page has its name for a source
    }
  }

  // A table of what each method gave to the passages of a question.
  methods(question) {
    const box = element('div', { class: 'methods' });
    const open = button('How these were found', async () => {
      open.setAttribute('aria-expanded', String(box.childElementCount === 0));
      if (box.childElementCount > 0) {
        box.replaceChildren();
        return;
      }
      box.replaceChildren(element('p', { class: 'hint', role: 'status' }, 'Searching…'));
      try {
        box.replaceChildren(...methodTable(await call('POST', '/api/retrieve', { query: question })));
      } catch (problem) {
        box.replaceChildren(element('p', { class: 'hint' }, problem.message));
      }
    }, { class: 'plain', 'aria-expanded': 'false' });
    return element('div', { class: 'found' }, open, box);
  }
}

const methods = [['lexical', 'Words (BM25)'], ['lsa', 'Topics (LSA)'], ['vector', 'Meaning (vectors)']];

function methodTable({ passages, ragTier, ragReason }) {
  const figure = score => element('td', {}, score === null ? '–' : score.toFixed(3));
  const head = ['Passage', ...methods.map(([, name]) => name), 'Together'].map(name => element('th', { scope: 'col' }, name));
  const rows = passages.map(passage => element('tr', {},
    element('th', { scope: 'row', dir: 'auto' }, placeOf(passage)), methods.map(([key]) => figure(passage.scores[key])), figure(passage.score)));
  return [
    element('p', { class: 'hint' }, `Retrieval: ${ragTier}.${ragReason ? ` ${ragReason}` : ''}`),
    passages.length === 0
      ? element('p', { class: 'hint' }, 'No passage was found.')
      : element('div', { class: 'table', tabIndex: 0, role: 'group', 'aria-label': 'What each method gave' }, element('table', {}, element('thead', {}, element('tr', {}, head)), element('tbody', {}, rows))),
  ];
}
