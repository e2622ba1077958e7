// The list of conversations: opened, renamed, exported, deleted.
import { address, call } from './calls.js';
import { $, announce, button, element, iconButton, kept, randomName } from './dom.js';

export class Conversations {
  constructor(conversation, onOpen) {
    Object.assign(this, { conversation, onOpen, list: [] });
    $('new').addEventListener('click', () => this.start());
  }

  // Where to begin: what was open last, else the latest one.
  async begin() {
    await this.refresh();
    const last = kept.get('conversation');
    const id = last ?? this.list[0]?.id ?? 'default';
    this.conversation.id = id;
    await this.open(id);
  }

  async refresh() {
    ({ conversations: this.list } = await call('GET', '/api/conversations'));
    this.draw();
  }

  async open(id) {
    if (this.conversation.isRunning) this.conversation.stop();
    kept.set('conversation', id);
    await this.conversation.load(id);
    this.draw();
    this.onOpen();
  }

  async start() {
    if (this.conversation.turns.length > 0 || this.conversation.isRunning) await this.open(randomName());
    $('message').focus();
  }

  draw() {
    const rows = this.list.map(entry => this.row(entry));
    $('conversations').replaceChildren(...rows);
    $('no-conversations').hidden = rows.length > 0;
  }

  row(entry) {
    const isOpen = entry.id === this.conversation.id;
    const open = element('button', { type: 'button', class: 'open', dir: 'auto', title: entry.title, 'aria-current': isOpen ? 'true' : null, onclick: () => this.open(entry.id) }, entry.title);
    const row = element('li', { class: isOpen ? 'current' : null }, open, element('span', { class: 'tools' },
      iconButton('edit', `Rename ${entry.title}`, () => this.rename(entry, row)),
      element('a', { class: 'icon', href: address(`/api/conversations/${encodeURIComponent(entry.id)}/export`), download: '', 'aria-label': `Export ${entry.title}`, title: 'Export' }, signOf('save')),
      iconButton('bin', `Delete ${entry.title}`, () => this.confirm(entry, row))));
    return row;
  }

  rename(entry, row) {
    const name = element('input', { type: 'text', value: entry.title, maxLength: 80, dir: 'auto', 'aria-label': 'Title' });
    const form = element('form', { class: 'inline' }, name, iconSubmit('Save'));
    const act = async () => {
      const title = name.value.trim();
      if (title && title !== entry.title) await call('PATCH', `/api/conversations/${encodeURIComponent(entry.id)}`, { title });
      await this.refresh();
      this.focusRow(entry.id);
    };
    form.addEventListener('submit', event => {
      event.preventDefault();
      act().catch(problem => announce(problem.message));
    });
    name.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.draw();
      this.focusRow(entry.id);
    });
    row.replaceChildren(form);
    name.select();
    name.focus();
  }

  // Asked before, in the same place: what is deleted is gone.
  confirm(entry, row) {
    const remove = button('Delete', () => this.remove(entry).catch(problem => announce(problem.message)), { class: 'bad' });
    const cancel = button('Keep', () => {
      this.draw();
      this.focusRow(entry.id);
    }, { class: 'quiet' });
    row.replaceChildren(element('span', { class: 'ask' }, 'Delete it for good?'), remove, cancel);
    remove.focus();
  }

  async remove(entry) {
    await call('DELETE', `/api/conversations/${encodeURIComponent(entry.id)}`);
    await this.refresh();
    if (entry.id === this.conversation.id) await this.open(this.list[0]?.id ?? randomName());
    announce('Deleted.');
    ($('conversations').querySelector('button') ?? $('new')).focus();
  }

  focusRow(id) {
    const index = this.list.findIndex(entry => entry.id === id);
    $('conversations').children[index]?.querySelector('button')?.focus();
  }
}

function signOf(name) {
  return iconButton(name, '', () => {}).firstChild;
}

const iconSubmit = text => element('button', { type: 'submit', class: 'quiet' }, text);
