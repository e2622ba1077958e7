// One question and its answer in the log.
import { hintOf } from './calls.js';
import { rangesOf } from './citations.js';
import { button, cost, element, iconButton, number } from './dom.js';
import { thumbs } from './feedback.js';
import { parse, wordsOf } from './markdown.js';
import { copyText, renderWhole, StreamedText } from './render.js';

export class Turn {
  constructor(question, owner, files = []) {
    Object.assign(this, { question, owner, files, number: null, text: '', passages: [], done: null });
    this.asked = element('div', { class: 'words', dir: 'auto' }, question);
    this.questionActions = element('div', { class: 'actions' });
    this.questionArticle = element('article', { class: 'question' }, element('h2', { class: 'visually-hidden' }, 'Question'), this.asked,
      files.length > 0 ? element('p', { class: 'hint', dir: 'auto' }, `With ${files.map(file => file.name).join(', ')}`) : null, this.questionActions);
    this.words = element('div', { class: 'words markdown' });
    this.rest = element('div', { class: 'rest' });
    this.answerArticle = element('article', { class: 'answer' }, element('h2', { class: 'visually-hidden' }, 'Answer'), this.words, this.rest);
  }

  get elements() {
    return [this.questionArticle, this.answerArticle];
  }

  // Streaming

  begin() {
    this.answerArticle.setAttribute('aria-busy', 'true');
    this.rest.replaceChildren(element('p', { class: 'waiting' }, element('span', { class: 'dots', 'aria-hidden': 'true' }), ' ', this.owner.waitingText()));
    this.stream = new StreamedText(this.words, () => this.owner.follow());
  }

  add(piece) {
    if (this.text === '') this.rest.replaceChildren();
    this.text += piece;
    this.stream.add(piece);
  }

  finish(number, done) {
    this.stop();
    this.number = number;
    this.done = done;
    this.draw();
  }

  stop() {
    this.stream?.end();
    this.answerArticle.removeAttribute('aria-busy');
  }

  // What came stays, with what happened; nothing of it is kept by the host.
  fail(problem, isStopped) {
    this.stop();
    this.answerArticle.classList.toggle('failed', !isStopped);
    renderWhole(this.words, this.text, [], () => {});
    const sentence = isStopped ? 'Stopped.' : problem.message;
    const hint = isStopped ? 'This answer is not kept.' : hintOf(problem);
    this.rest.replaceChildren(
      element('p', { class: 'error' }, sentence, ' ', element('span', { class: 'hint' }, hint)),
      element('div', { class: 'actions' }, button('Ask again', () => this.owner.askAgain(this), { class: 'quiet again' })));
  }

  // Whole

  draw() {
    const onCite = (passage, opener) => this.owner.sources.open(passage, opener);
    renderWhole(this.words, this.text, rangesOf(this.passages, this.text.length), onCite);
    const rating = thumbs(this.number, this.owner.id);
    this.rest.replaceChildren(...[
      this.done?.finishReason === 'length' ? notice('The answer was cut off here: it reached its longest length.') : null,
      this.done?.historyKept === false ? notice('The store of conversations is away: the next question will not know of this one.') : null,
      this.passages.length > 0 ? this.owner.sources.list(this.passages) : null,
      this.passages.length > 0 ? this.owner.sources.methods(this.question) : null,
      this.done ? this.meta() : null,
      element('div', { class: 'actions' },
        iconButton('copy', 'Copy the answer', () => copyText(this.text)),
        this.owner.speech.isPossible ? this.speaker() : null,
        this.number ? iconButton('again', 'Regenerate', () => this.owner.regenerate(this), { class: 'icon regenerate' }) : null,
        this.number ? rating.buttons : null),
      rating.note,
    ].filter(Boolean));
    this.questionActions.replaceChildren(...(this.number ? [iconButton('edit', 'Edit and ask again', () => this.edit(), { class: 'icon edit' })] : []));
  }

  meta() {
    const { provider, usage, ragTier, paidBy } = this.done;
    const parts = [
      provider === 'mock' ? 'mock answer' : provider,
      `${number(usage.inputTokens)} tokens in, ${number(usage.outputTokens)} out`,
      provider === 'mock' ? null : cost(usage.costMicro, usage.currency),
      paidBy === 'host' ? 'paid by the host' : null,
      `retrieval: ${ragTier}`,
    ];
    return element('p', { class: 'meta' }, parts.filter(Boolean).join(' · '));
  }

  speaker() {
    const speak = iconButton('sound', 'Read aloud', async () => {
      const isSpeaking = speak.getAttribute('aria-pressed') === 'true';
      this.owner.speech.stop();
      if (isSpeaking) return;
      speak.setAttribute('aria-pressed', 'true');
      await this.owner.speech.speak(wordsOf(parse(this.text, { cites: rangesOf(this.passages, this.text.length) })));
      speak.setAttribute('aria-pressed', 'false');
    }, { 'aria-pressed': 'false' });
    return speak;
  }

  edit() {
    const box = element('textarea', { value: this.question, rows: 3, dir: 'auto', maxLength: this.owner.maxLength, 'aria-label': 'Edit the question' });
    const close = () => {
      form.replaceWith(this.asked);
      this.questionActions.hidden = false;
      this.questionActions.querySelector('button')?.focus();
    };
    const form = element('form', { class: 'edit' }, box, element('div', { class: 'inline' },
      element('button', { type: 'submit' }, 'Ask again'), button('Cancel', close, { class: 'quiet' })));
    form.addEventListener('submit', event => {
      event.preventDefault();
      const question = box.value.trim();
      if (!question || this.owner.isRunning) return;
      close();
      this.owner.ask(question, this, this.files);
    });
    box.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        close();
      } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.asked.replaceWith(form);
    this.questionActions.hidden = true;
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }
}

const notice = text => element('p', { class: 'notice' }, text);
