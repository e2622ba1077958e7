// The page of the installed app when there is no network: one sentence. Nothing else is kept: answers come from the
// host, and files of the page are kept by the browser under their fingerprint.
const store = 'coach-offline';
const page = 'offline.html';

self.addEventListener('install', event => {
  event.waitUntil(caches.open(store).then(cache => cache.add(new Request(page, { cache: 'reload' }))).then(() => self.skipWaiting()));
});

self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', event => {
  const { request } = event;
  const isThisPage = request.mode === 'navigate' && new URL(request.url).pathname === new URL(self.registration.scope).pathname;
  if (isThisPage) event.respondWith(fetch(request).catch(async () => (await caches.match(page)) ?? Response.error()));
});
