// Coach's page: plain modules, no build step. It speaks the HTTP API of docs/guides/http-api.md.
import { call } from './calls.js';
import { Conversation } from './conversation.js';
import { Conversations } from './conversations.js';
import { Credits } from './credits.js';
import { Documents } from './documents.js';
import { $, announce } from './dom.js';
import { Files } from './files.js';
import { Panels } from './panels.js';
import { Follower } from './scroll.js';
import { Session } from './session.js';
import { applySettings, listenToSettings } from './settings.js';
import { Sources } from './sources.js';
import { Speech } from './speech.js';
import { Tab } from './tab.js';
import { drawUsage } from './usage.js';

applySettings();
listenToSettings();
const panels = new Panels();

// What the page knows before the host has answered: nothing is offered that may not be there.
const fallback = { providers: [], limits: { maxMessageLength: 8000 }, features: { keys: true, speech: false, knowledgeEditing: false, credits: false } };
const config = await call('GET', '/api/config').catch(problem => {
  banner(problem.message);
  return fallback;
});
$('message').maxLength = config.limits.maxMessageLength;

const session = new Session(config, hadKeys => banner(hadKeys
  ? 'The session has ended, here or in another tab. Its keys and conversations are gone.'
  : 'The session has ended, here or in another tab. Its conversations are gone.'));
const files = new Files(config.limits, session);
session.onDraw = () => files.draw();
const documents = new Documents(config.features);
const credits = new Credits(config.features);
const tab = new Tab();
const conversation = new Conversation({
  id: 'default',
  sources: new Sources(config.features),
  speech: new Speech(config.features),
  follower: new Follower($('log'), $('to-end')),
  session,
  maxLength: config.limits.maxMessageLength,
  onChange: () => refresh(),
  onEnd: turn => refresh(turn),
});
const conversations = new Conversations(conversation, () => panels.close(false));

// The question

$('ask').addEventListener('submit', event => {
  event.preventDefault();
  const message = $('message').value.trim();
  if (!message || conversation.isRunning) return;
  $('message').value = '';
  hideBanner();
  conversation.ask(message, null, files.take());
});

$('message').addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('ask').requestSubmit();
  }
});

$('stop').addEventListener('click', () => conversation.stop());
$('forget').addEventListener('click', () => conversation.forget().catch(problem => banner(problem.message)));
for (const suggestion of $('suggestions').querySelectorAll('button')) {
  suggestion.addEventListener('click', () => conversation.ask(suggestion.textContent));
}

// After each answer all that it may have changed is asked for: badge and keys, the list, the tab, money.
async function refresh(turn) {
  channel.postMessage({ what: 'turn', id: conversation.id });
  if (turn?.done) session.answeredBy(turn.done);
  if (!navigator.onLine) return;
  await Promise.allSettled([session.load(), conversations.refresh(), tab.load(), credits.load(), documents.load(), $('usage-section').open ? drawUsage() : null]);
  if (turn?.done) session.answeredBy(turn.done);
}

$('usage-section').addEventListener('toggle', () => $('usage-section').open && drawUsage());
$('banner-close').addEventListener('click', () => {
  hideBanner();
  $('message').focus();
});

function banner(text) {
  $('banner-text').textContent = text;
  $('banner').hidden = false;
}

function hideBanner() {
  $('banner').hidden = true;
}

// Other tabs of the same session

const channel = new BroadcastChannel('coach');
session.channel = channel;
channel.addEventListener('message', async ({ data }) => {
  const hasEnded = await session.load().catch(() => false);
  if (conversation.isRunning) return;
  if (hasEnded) {
    await conversations.begin().catch(() => {});
  } else if (data.what === 'turn') {
    await conversations.refresh().catch(() => {});
    if (data.id === conversation.id) await conversation.load().catch(() => {});
  }
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && navigator.onLine && !conversation.isRunning) session.load().catch(() => {});
});

// The network

addEventListener('offline', () => banner('You are offline. What was answered stays here; asking works again when you are back.'));
addEventListener('online', () => {
  hideBanner();
  announce('You are online again.');
  session.load().catch(() => {});
});
if (!navigator.onLine) banner('You are offline.');

// Shortcuts, listed in the settings

document.addEventListener('keydown', event => {
  const command = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape' && event.shiftKey) {
    $('message').focus();
  } else if (event.key === 'Escape' && conversation.isRunning && !document.querySelector('dialog[open]')) {
    event.preventDefault();
    conversation.stop();
  } else if (command && event.shiftKey && event.key.toLowerCase() === 'o') {
    event.preventDefault();
    conversations.start();
  } else if (command && event.key === '/') {
    event.preventDefault();
    if (!$('settings').open) $('settings').showModal();
  }
});

// The first call gave the page its session; the others follow.
try {
  await session.load();
  await Promise.all([conversations.begin(), tab.load(), credits.load(), documents.load()]);
} catch (problem) {
  banner(problem.message);
}
document.documentElement.dataset.ready = 'true';

// Installed as an app, the page says that it is offline, in place of the browser's error page.
if ('serviceWorker' in navigator && isSecureContext) navigator.serviceWorker.register('worker.js').catch(() => {});
