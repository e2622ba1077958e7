// The documents: what was read, what was left out and why; files added where the host allows it.
import { call, send } from './calls.js';
import { $, announce, button, element, number } from './dom.js';
import { eventsOf } from './events.js';

const pause = 2000; // milliseconds between two looks while documents are read
const looks = 5; // before the first reading has begun; a host without documents never begins one

export class Documents {
  constructor(features) {
    this.canEdit = features.knowledgeEditing;
    this.added = new Map();
    $('drop').hidden = !this.canEdit;
    if (!this.canEdit) return;
    $('files').addEventListener('change', () => this.add([...$('files').files]));
    const drop = $('drop');
    for (const type of ['dragenter', 'dragover']) {
      drop.addEventListener(type, event => {
        event.preventDefault();
        drop.classList.add('over');
      });
    }
    for (const type of ['dragleave', 'drop']) drop.addEventListener(type, () => drop.classList.remove('over'));
    drop.addEventListener('drop', event => {
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  async load() {
    clearTimeout(this.timer);
    try {
      const account = await call('GET', '/api/knowledge');
      this.draw(account);
      const isComing = account.at === null && (this.looks = (this.looks ?? 0) + 1) < looks;
      if (account.reading || isComing) this.timer = setTimeout(() => this.load(), pause);
    } catch (problem) {
      $('account').textContent = problem.status === 404 ? 'There are no documents here.' : problem.message;
      $('reading').hidden = true;
    }
  }

  draw(account) {
    const { reading, skippedCount, failedCount } = account;
    const left = [skippedCount > 0 ? `${number(skippedCount)} left out` : null, failedCount > 0 ? `${number(failedCount)} failed` : null].filter(Boolean);
    $('account').textContent = [`${counted(account.documents, 'document')}, ${counted(account.passages, 'passage')}`, ...left].join(' · ');
    $('reading').hidden = !reading;
    const text = reading ? `Documents are still being read (${progressOf(reading)}). Answers rest on what was read so far.` : '';
    if ($('reading').textContent !== text) $('reading').textContent = text;
    const refusals = [...account.failed.map(one => ['failed', one]), ...account.skipped.map(one => ['left out', one]), ...account.guessed.map(one => ['read by a guess', one])];
    $('refusals').hidden = refusals.length === 0;
    $('refusal-list').replaceChildren(...refusals.slice(0, 200).map(([what, one]) => element('li', { dir: 'auto' }, element('strong', {}, one.id), ` ${what}: ${one.reason}`)));
  }

  async add(files) {
    if (files.length === 0 || this.isAdding) return;
    this.isAdding = true;
    const message = $('documents-message');
    message.textContent = `Adding ${files.length === 1 ? files[0].name : `${files.length} files`}…`;
    const form = new FormData();
    files.forEach(file => form.append('files', file, file.name));
    try {
      const response = await send('POST', '/api/knowledge', { body: form });
      for await (const { event, data } of eventsOf(response.body)) {
        if (event === 'progress') message.textContent = `Reading: ${number(data.documents)} of ${number(files.length)} documents, ${number(data.passages)} passages…`;
        else if (event === 'error') throw new Error(data.message);
        else if (event === 'done') this.isAdded(data, message);
      }
    } catch (problem) {
      message.textContent = problem.message;
    } finally {
      this.isAdding = false;
      $('files').value = '';
      await this.load();
    }
  }

  isAdded({ added, updated, unchanged, ids, failed }, message) {
    const refused = new Set(failed.map(one => one.id));
    ids.filter(id => !refused.has(id)).forEach(id => this.added.set(id, id.replace(/^upload\//, '')));
    const parts = [[added, 'added'], [updated, 'updated'], [unchanged, 'unchanged'], [failed.length, 'refused']].filter(([count]) => count > 0);
    const text = [`${parts.map(([count, what]) => `${count} ${what}`).join(', ')}.`, ...failed.map(one => `${one.id}: ${one.reason}`)].join(' ');
    message.textContent = text;
    announce(text);
    this.drawAdded();
  }

  drawAdded() {
    $('added').replaceChildren(...[...this.added].map(([id, name]) => element('li', { dir: 'auto' }, element('span', {}, name),
      button('Remove', () => this.remove(id), { 'aria-label': `Remove ${name}` }))));
  }

  async remove(id) {
    try {
      await call('DELETE', `/api/knowledge/${id.split('/').map(encodeURIComponent).join('/')}`);
      this.added.delete(id);
      this.drawAdded();
      $('documents-message').textContent = 'Removed.';
      $('files').focus();
    } catch (problem) {
      $('documents-message').textContent = problem.message;
    }
    await this.load();
  }
}

function counted(count, what) {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`;
}

function progressOf({ documents, total }) {
  return total ? `${number(documents)} of ${number(total)}` : `${number(documents)} so far`;
}
