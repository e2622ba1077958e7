// The conversation that is shown: asked, stopped, asked again. Its turns are numbered as the host numbers what it keeps.
import { call, send, unreachable } from './calls.js';
import { $, announce, cost, number } from './dom.js';
import { eventsOf } from './events.js';
import { encoded } from './files.js';
import { Turn } from './answer.js';

export class Conversation {
  constructor({ id, sources, speech, follower, session, maxLength, onChange, onEnd }) {
    Object.assign(this, { id, sources, speech, follower, session, maxLength, onChange, onEnd, turns: [], running: null, loading: 0 });
  }

  get isRunning() {
    return this.running !== null;
  }

  follow() {
    this.follower.follow();
  }

  waitingText() {
    return this.session.isReal ? 'Looking into the documents, then asking the model…' : 'Looking into the documents…';
  }

  // What the host keeps of it.
  async load(id = this.id) {
    this.id = id;
    const loading = ++this.loading;
    const { messages } = await call('GET', `/api/chat?conversation=${encodeURIComponent(id)}`);
    if (loading !== this.loading || this.isRunning) return;
    this.turns = [];
    let turn = null;
    for (const message of messages) {
      if (message.role === 'user') {
        turn = new Turn(message.text, this, message.files);
        turn.number = this.turns.push(turn);
      } else if (turn) {
        // Answers in several messages are of one turn; citations count within theirs.
        const from = turn.text ? `${turn.text}\n\n`.length : 0;
        turn.text = turn.text ? `${turn.text}\n\n${message.text}` : message.text;
        turn.passages.push(...message.citations.map(passage => ({ ...passage, at: passage.at.map(([start, length]) => [start + from, length]) })));
      }
    }
    this.turns.forEach(each => each.draw());
    this.show();
    this.follower.jump();
  }

  show() {
    $('log').replaceChildren($('welcome'), ...this.turns.flatMap(turn => turn.elements));
    this.drawState();
  }

  drawState() {
    const isEmpty = $('log').childElementCount < 2;
    $('welcome').hidden = !isEmpty;
    $('forget').hidden = isEmpty || this.isRunning;
    $('send').hidden = this.isRunning;
    $('stop').hidden = !this.isRunning;
    $('log').setAttribute('aria-busy', String(this.isRunning));
    this.drawTotal();
  }

  drawTotal() {
    const done = this.turns.map(turn => turn.done).filter(one => one && one.provider !== 'mock');
    const tokens = done.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
    const known = done.filter(({ usage }) => usage.costMicro !== null);
    const parts = [`${number(tokens)} tokens`];
    if (known.length > 0) parts.push(cost(known.reduce((sum, { usage }) => sum + usage.costMicro, 0), known[0].usage.currency));
    $('conversation-total').textContent = tokens > 0 ? parts.join(' · ') : '';
  }

  regenerate(turn) {
    if (!this.isRunning) this.ask(turn.question, turn, turn.files);
  }

  askAgain(turn) {
    if (this.isRunning) return;
    if ($('message').value.trim() === turn.question) $('message').value = '';
    turn.elements.forEach(each => each.remove());
    this.ask(turn.question, turn.replaced, turn.files);
  }

  stop() {
    this.running?.abort();
  }

  // replaced: the turn that this one takes the place of; it and all later ones come back if this one fails.
  async ask(question, replaced = null, files = []) {
    if (this.isRunning) return;
    this.speech.stop();
    const conversation = this.id;
    const turn = new Turn(question, this, files);
    turn.replaced = replaced;
    const running = new AbortController();
    this.running = running;
    const kept = replaced?.number ? this.turns.slice(0, replaced.number - 1) : this.turns;
    const later = this.turns.slice(kept.length);
    later.flatMap(each => each.elements).forEach(each => each.remove());
    $('log').append(...turn.elements);
    this.drawState();
    turn.begin();
    this.follower.jump();
    const hadFocus = document.activeElement === document.body || document.activeElement === $('send');
    if (hadFocus) $('stop').focus();
    try {
      const done = await this.stream(turn, question, replaced, running.signal);
      this.turns = [...kept, turn];
      turn.finish(done.historyKept === false ? null : this.turns.length, done);
      announce(this.announcement(turn, done));
    } catch (problem) {
      await this.failed(turn, problem, later, running.signal.aborted);
    } finally {
      this.running = null;
      const wasOnStop = document.activeElement === $('stop');
      this.drawState();
      if (wasOnStop || document.activeElement === document.body) $('message').focus();
      this.follower.follow();
    }
    if (conversation === this.id) await this.onEnd(turn);
  }

  async stream(turn, question, replaced, signal) {
    const choice = this.session.choice;
    // What an earlier page sent is known by name alone.
    const files = await encoded(turn.files.filter(file => file instanceof File));
    const body = {
      message: question,
      conversation: this.id,
      ...(choice.provider && { provider: choice.provider }),
      ...(choice.model && { model: choice.model }),
      ...(replaced?.number && { replaces: replaced.number }),
      ...(files.length > 0 && { files }),
    };
    const response = await send('POST', '/api/chat', { body, headers: { Accept: 'text/event-stream' }, signal });
    let done = null;
    try {
      for await (const { event, data } of eventsOf(response.body)) {
        if (event === 'delta') turn.add(data.text);
        else if (event === 'citations') turn.passages = data.passages;
        else if (event === 'done') done = data;
        else if (event === 'error') throw Object.assign(new Error(data.message), { code: data.code });
      }
    } catch (failure) {
      throw failure.code || signal.aborted ? failure : unreachable(true);
    }
    if (!done) throw Object.assign(new Error('The answer stopped before its end.'), { code: 'CUT' });
    return done;
  }

  async failed(turn, problem, later, isStopped) {
    turn.fail(problem, isStopped);
    if (later.length > 0) turn.questionArticle.before(...later.flatMap(each => each.elements));
    if (!isStopped && $('message').value.trim() === '') $('message').value = turn.question;
    announce(isStopped ? 'Stopped.' : problem.message);
  }

  announcement(turn, done) {
    const count = turn.passages.length;
    const sources = count === 1 ? '1 source' : `${count} sources`;
    const who = done.provider === 'mock' ? 'Mock answer' : `Answer from ${done.provider}`;
    return `${who} complete, ${count === 0 ? 'no sources' : sources}.${done.finishReason === 'length' ? ' It was cut off.' : ''}`;
  }

  async forget() {
    if (this.isRunning) return;
    await call('DELETE', `/api/chat?conversation=${encodeURIComponent(this.id)}`);
    this.turns = [];
    this.show();
    announce('This conversation is forgotten.');
    $('message').focus();
    this.onChange();
  }
}
