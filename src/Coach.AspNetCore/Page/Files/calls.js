// The HTTP API of the host (docs/guides/http-api.md), with every failure as one sentence.
const base = document.documentElement.dataset.api ?? '';

export const address = path => base + path;

export async function send(method, path, { body, headers = {}, signal } = {}) {
  const isForm = body instanceof FormData;
  const request = () => fetch(address(path), {
    method,
    headers: { ...(body !== undefined && !isForm && { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined || isForm ? body : JSON.stringify(body),
    signal,
  });
  let response = await attempt(request);
  // The cookie was replaced while this call was on its way: nothing was done, and the browser has the new one by now.
  if (response.status === 401) response = await attempt(request);
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function call(method, path, body, headers) {
  const response = await send(method, path, { body, headers });
  return response.status === 204 ? null : response.json();
}

async function attempt(request) {
  try {
    return await request();
  } catch (failure) {
    throw failure.name === 'AbortError' ? failure : unreachable();
  }
}

// What a browser says of a broken connection ("Failed to fetch", "network error") helps nobody.
export function unreachable(hasBegun = false) {
  let text = 'The server cannot be reached.';
  if (!navigator.onLine) text = 'You are offline.';
  else if (hasBegun) text = 'The connection broke before the answer was complete.';
  return Object.assign(new Error(text), { code: 'OFFLINE' });
}

export async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  const text = problem.detail ?? `The server answered ${response.status}.`;
  const seconds = problem.retryAfterSeconds ?? (Number(response.headers.get('Retry-After')) || null);
  return Object.assign(new Error(text), { code: problem.code, status: response.status, retryAfterSeconds: seconds, isTextOnly: problem.isTextOnly });
}

// One hint what to do next, where the sentence itself does not say it.
export function hintOf(problem) {
  if (problem.retryAfterSeconds) return `Ask again in ${problem.retryAfterSeconds} s.`;
  const code = problem.code ?? '';
  if (code === 'OFFLINE') return navigator.onLine ? 'Your question is back in the box: ask again.' : 'Your question is back in the box for when you are online.';
  if (code === 'ERR_BUDGET_EXCEEDED') return 'See what is left under "Usage".';
  if (code === 'ERR_CONTEXT_TOO_LONG') return 'Start a new conversation, or choose another model.';
  if (code === 'ERR_MODEL_NOT_FOUND') return 'Choose another model below.';
  if (code.startsWith('ERR_KEY_')) return 'See "Your key".';
  return 'Your question is back in the box: ask again.';
}
