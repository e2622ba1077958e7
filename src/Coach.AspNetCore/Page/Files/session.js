// The session: whether answers are real, its keys, and which provider and model are asked.
import { call } from './calls.js';
import { $, announce, button, cost, element, kept, say } from './dom.js';

const names = {
  gemini: 'Gemini', openai: 'OpenAI', anthropic: 'Anthropic', openrouter: 'OpenRouter',
  'openai-compatible': 'OpenAI-compatible', cartesia: 'Cartesia (speech)',
};

export class Session {
  constructor(config, onEnded) {
    Object.assign(this, { config, onEnded, id: null, isReal: false, keys: [] });
    this.offer();
    $('key-form').addEventListener('submit', event => {
      event.preventDefault();
      this.enter();
    });
    $('end-session').addEventListener('click', () => this.end());
    $('model').addEventListener('change', () => kept.set('model', $('model').value));
  }

  // Where the host takes no keys, none is asked for.
  offer() {
    const { features, providers } = this.config;
    $('key-form').hidden = !features.keys;
    if (!features.keys) {
      $('key-hint').textContent = 'This server runs in mock mode: answers are put together from the documents, and no key is needed.';
      return;
    }
    const first = ['gemini', 'openai', 'anthropic', 'openrouter'];
    const order = [...first.filter(name => providers.includes(name)), ...providers.filter(name => !first.includes(name))];
    $('provider').replaceChildren(...order.map(name => element('option', { value: name }, names[name] ?? name)));
  }

  // Asked after each answer and whenever another tab changed something.
  async load() {
    const session = await call('GET', '/api/session');
    const hasEnded = this.id !== null && session.sessionId !== this.id;
    const hadKeys = this.keys.length > 0;
    Object.assign(this, { id: session.sessionId, isReal: session.mode === 'real', keys: session.keys });
    this.drawMode(this.isReal);
    this.drawTier(session.ragTier, session.ragReason ?? '');
    this.drawKeys();
    this.drawModels();
    this.onDraw?.();
    if (hasEnded) this.onEnded(hadKeys);
    return hasEnded;
  }

  // Who gave the last answer is what counts, whatever was believed before.
  answeredBy(done) {
    this.drawMode(done.provider !== 'mock');
    this.onDraw?.();
    this.drawTier(done.ragTier);
  }

  drawMode(isReal) {
    if ($('mode').textContent === modeText(isReal)) return;
    $('mode').textContent = modeText(isReal);
    $('mode').classList.toggle('real', isReal);
  }

  drawTier(tier, reason) {
    const text = `retrieval: ${tier}`;
    if ($('tier').textContent !== text) $('tier').textContent = text;
    if (reason !== undefined) {
      $('tier').title = `How documents are searched: ${reason || 'with all there is'}`;
      $('tier-reason').textContent = reason ? `Retrieval is ${tier}: ${reason}` : '';
    }
  }

  drawKeys() {
    const bad = key => (key.status === 'valid' ? null : element('span', { class: 'message bad' }, key.message ?? key.status));
    $('keys').replaceChildren(...this.keys.map(key => element('li', {},
      element('span', {}, `${key.provider} · ${key.fingerprint.slice(0, 8)}…`, bad(key)),
      button('Remove', () => this.remove(key.provider), { 'aria-label': `Remove the key of ${key.provider}` }))));
  }

  // The keys' own models, with the day on which the provider ends them.
  drawModels() {
    const groups = this.keys.filter(key => key.provider !== 'cartesia').map(key => element('optgroup', { label: names[key.provider] ?? key.provider },
      element('option', { value: `${key.provider}|` }, `${names[key.provider] ?? key.provider}: its usual model`),
      (key.models ?? []).map(model => element('option', { value: `${key.provider}|${model.id}` }, labelOf(model)))));
    const select = $('model');
    select.replaceChildren(element('option', { value: '' }, 'Model: automatic'), ...groups);
    select.value = kept.get('model') ?? '';
    if (select.selectedIndex < 0) select.value = '';
    $('model-choice').hidden = groups.length === 0;
  }

  get choice() {
    const [provider, model] = $('model').value.split('|');
    return { provider, model };
  }

  async enter() {
    if (this.isChecking) return;
    this.isChecking = true;
    $('key-form').setAttribute('aria-busy', 'true');
    say($('key-message'), 'Checking…');
    try {
      const answer = await call('POST', '/api/session/keys', { provider: $('provider').value, apiKey: $('api-key').value });
      const limits = answer.limits?.length > 0 ? ` ${answer.limits.join(' ')}` : '';
      say($('key-message'), `Valid. Fingerprint ${answer.fingerprint}.${limits}`, 'good');
      await this.load();
      this.tell();
    } catch (problem) {
      say($('key-message'), problem.message + (problem.retryAfterSeconds ? ` Try again in ${problem.retryAfterSeconds} s.` : ''), 'bad');
      $('api-key').focus();
    } finally {
      $('api-key').value = '';
      $('key-form').removeAttribute('aria-busy');
      this.isChecking = false;
    }
  }

  async remove(provider) {
    try {
      await call('DELETE', `/api/session/keys/${encodeURIComponent(provider)}`);
      await this.load();
      this.tell();
      announce(`The key of ${provider} is removed.`);
      ($('keys').querySelector('button') ?? $('provider')).focus();
    } catch (problem) {
      say($('key-message'), problem.message, 'bad');
    }
  }

  async end() {
    try {
      await call('DELETE', '/api/session');
      kept.set('conversation', null);
      this.tell('ended');
      location.reload();
    } catch (problem) {
      say($('key-message'), problem.message, 'bad');
    }
  }

  tell(what = 'changed') {
    this.channel?.postMessage({ what });
  }
}

const modeText = isReal => (isReal ? 'real answers' : 'mock answers');

// What a model costs, in and out, for a million tokens.
function labelOf({ id, shutdownDate, price }) {
  const notes = [];
  if (price) notes.push(`${cost(price.inputMicro, price.currency)} in, ${cost(price.outputMicro, price.currency)} out per million tokens`);
  if (shutdownDate) notes.push(`ends ${shutdownDate}`);
  return notes.length > 0 ? `${id} (${notes.join('; ')})` : id;
}
