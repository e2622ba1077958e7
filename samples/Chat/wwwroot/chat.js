// The page of samples/Chat: plain modules, no build step. It speaks the HTTP contract of docs/guides/http-api.md.
import { Credits } from './credits.js';
import { Tab } from './tab.js';

const $ = id => document.getElementById(id);
const suggestions = [
  'How is an API key checked without spending tokens?',
  'What happens to retrieval when there is no key?',
  'How does Coach avoid creating a payment link twice?',
];

async function call(method, path, body, isAgain = false) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  // The cookie was replaced while this call was on its way: nothing was done, and the browser has the new one by now.
  if (response.status === 401 && !isAgain) return call(method, path, body, true);
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  const wait = problem.retryAfterSeconds ? ` Try again in ${problem.retryAfterSeconds} s.` : '';
  return Object.assign(new Error((problem.detail ?? `The server answered ${response.status}.`) + wait), problem);
}

// Session and keys

async function showSession() {
  const session = await call('GET', '/api/session');
  const real = session.mode === 'real';
  $('mode').textContent = real ? 'real answers' : 'mock answers';
  $('mode').classList.toggle('real', real);
  $('tier').textContent = `retrieval: ${session.ragTier}`;
  $('keys').replaceChildren(...session.keys.map(key => {
    const row = document.createElement('li');
    row.append(`${key.provider} · ${key.fingerprint.slice(0, 8)}…`, button('Remove', async () => {
      await call('DELETE', `/api/session/keys/${key.provider}`);
      await Promise.all([showSession(), guestTab.load()]);
    }));
    return row;
  }));
}

$('key-form').addEventListener('submit', async event => {
  event.preventDefault();
  const submit = event.submitter;
  submit.disabled = true;
  say('key-message', 'Checking…');
  try {
    const answer = await call('POST', '/api/session/keys', { provider: $('provider').value, apiKey: $('api-key').value });
    say('key-message', `Valid. Fingerprint ${answer.fingerprint}.`, 'good');
    await showSession();
  } catch (problem) {
    say('key-message', problem.message, 'bad');
  } finally {
    $('api-key').value = '';
    submit.disabled = false;
  }
});

$('end-session').addEventListener('click', async () => {
  await call('DELETE', '/api/session');
  location.reload();
});

// Chat

let running = null;

$('ask').addEventListener('submit', event => {
  event.preventDefault();
  const message = $('message').value.trim();
  if (message && !running) ask(message);
});

$('message').addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('ask').requestSubmit();
  }
});

$('stop').addEventListener('click', () => running?.abort());

$('forget').addEventListener('click', async () => {
  if (running) return;
  await call('DELETE', '/api/chat');
  $('log').replaceChildren($('log').querySelector('.welcome'));
  $('forget').hidden = true;
});

async function ask(message) {
  $('forget').hidden = false;
  $('message').value = '';
  add('question').append(paragraph(message));
  const article = add('answer');
  const text = paragraph('');
  article.append(text);
  running = new AbortController();
  toggle(true);
  try {
    const response = await fetch('/api/chat', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ message }),
      signal: running.signal,
    });
    if (!response.ok) throw await problemOf(response);
    let passages = [];
    let done = null;
    for await (const { event, data } of events(response.body)) {
      if (event === 'delta') text.textContent += data.text;
      else if (event === 'citations') passages = data.passages;
      else if (event === 'done') done = data;
      else if (event === 'error') throw new Error(data.message);
      article.scrollIntoView({ block: 'end' });
    }
    if (!done) throw new Error('The answer stopped before its end. Ask again.');
    linkCitations(text, passages);
    if (done.finishReason === 'length') article.append(paragraph('The answer was cut off here: it reached its longest length.'));
    if (passages.length) article.append(sources(passages));
    article.append(meta(done));
    $('tier').textContent = `retrieval: ${done.ragTier}`;
  } catch (problem) {
    article.classList.add('failed');
    const note = paragraph(problem.name === 'AbortError' ? 'Stopped.' : problem.message);
    note.className = 'error';
    article.append(note);
  } finally {
    running = null;
    toggle(false);
    article.scrollIntoView({ block: 'end' });
    guestTab.load(); // the model may have put something on it
    credits.load(); // and the answer had its price
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    for (let end; (end = buffer.indexOf('\n\n')) >= 0; buffer = buffer.slice(end + 2)) {
      const fields = Object.fromEntries(buffer.slice(0, end).split('\n').map(line => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      }));
      if (fields.data) yield { event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}

function linkCitations(target, passages) {
  const byNumber = new Map(passages.map(passage => [String(passage.n), passage]));
  const parts = target.textContent.split(/\[(\d{1,3})\]/);
  target.replaceChildren(...parts.map((part, index) => {
    const passage = index % 2 ? byNumber.get(part) : null;
    if (!passage) return index % 2 ? `[${part}]` : part;
    const link = button(`[${part}]`, () => open(passage));
    link.className = 'cite';
    link.title = passage.source;
    return link;
  }));
}

function sources(passages) {
  const list = document.createElement('ol');
  list.className = 'sources';
  list.append(...passages.map(passage => {
    const row = document.createElement('li');
    row.append(button(`[${passage.n}] ${passage.source}${passage.heading ? ` · ${passage.heading}` : ''}`, () => open(passage)));
    return row;
  }));
  return list;
}

function meta(done) {
  const line = paragraph(`${done.provider === 'mock' ? 'mock answer' : done.provider} · ${done.usage.inputTokens} tokens in, `
    + `${done.usage.outputTokens} out · retrieval: ${done.ragTier}`);
  line.className = 'meta';
  return line;
}

function open(passage) {
  $('passage-title').textContent = `[${passage.n}] ${passage.source}`;
  $('passage-heading').textContent = `${passage.heading ? `${passage.heading} · ` : ''}score ${passage.score.toFixed(3)}`;
  $('passage-text').textContent = passage.text;
  $('passage').showModal();
}

// Small parts

function toggle(busy) {
  $('send').hidden = busy;
  $('stop').hidden = !busy;
}

function add(kind) {
  const article = document.createElement('article');
  article.className = kind;
  $('log').append(article);
  return article;
}

function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}

function button(text, onClick) {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.addEventListener('click', onClick);
  return element;
}

function say(id, text, kind = '') {
  $(id).textContent = text;
  $(id).className = `message ${kind}`;
}

$('suggestions').append(...suggestions.map(text => button(text, () => running || ask(text))));
const guestTab = new Tab({ menu: $('menu'), tip: $('tip'), total: $('total'), pay: $('pay'), cancel: $('cancel'), fresh: $('new-tab'), payment: $('payment') }, problemOf);
const credits = new Credits({ section: $('credits'), balance: $('balance'), price: $('price'), packs: $('packs'), message: $('credits-message') }, problemOf);
await showSession();
await Promise.all([guestTab.load(), credits.load()]); // after the first call: that one gave the page its session
