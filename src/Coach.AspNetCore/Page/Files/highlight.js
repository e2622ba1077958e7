// Light colours for code: comments, texts, numbers and common keywords. Nothing is parsed, so nothing can be wrong
// about more than a colour.
const longest = 20000;
const words = new Set(('abstract and as async await base bool break byte case catch char class const continue def default del '
  + 'delete do done double elif else end enum except export extends false fi final finally float fn for foreach from func '
  + 'function get if impl implements import in int interface internal is lambda let long match mod module mut namespace new nil '
  + 'None not null object or override package pass private protected pub public raise readonly record ref return sealed select '
  + 'self set short static string struct super switch then this throw throws trait true True False try type typeof uint use '
  + 'using val var virtual void when where while with yield SELECT FROM WHERE INSERT UPDATE DELETE JOIN ORDER GROUP BY AND OR '
  + 'NOT NULL CREATE TABLE INTO VALUES echo export local sudo').split(' '));
const hashes = new Set(['py', 'python', 'sh', 'bash', 'shell', 'zsh', 'yaml', 'yml', 'toml', 'rb', 'ruby', 'dockerfile', 'r', 'perl', 'make', 'ini']);
const dashes = new Set(['sql', 'lua', 'haskell', 'hs']);
const none = new Set(['', 'text', 'txt', 'plain', 'plaintext', 'markdown', 'md', 'output', 'log']);

// Pairs of a class (null for plain text) and a text; together they are the code.
export function tokensOf(code, language) {
  const name = language.toLowerCase();
  if (none.has(name) || code.length > longest) return [[null, code]];
  const line = hashes.has(name) ? '#[^\\n]*' : dashes.has(name) ? '--[^\\n]*' : '\\/\\/[^\\n]*';
  const pattern = new RegExp(
    `(${line}|\\/\\*(?:[^*]|\\*(?!\\/))*(?:\\*\\/|$)|<!--(?:[^-]|-(?!->))*(?:-->|$))`
    + '|("(?:[^"\\\\\\n]|\\\\.)*"?|\'(?:[^\'\\\\\\n]|\\\\.)*\'?|`(?:[^`\\\\]|\\\\.)*`?)'
    + '|(\\b\\d[\\w.]*)|([A-Za-z_$][\\w$]*)', 'g');
  const tokens = [];
  let from = 0;
  for (const match of code.matchAll(pattern)) {
    const kind = match[1] ? 'comment' : match[2] ? 'string' : match[3] ? 'number' : words.has(match[4]) ? 'keyword' : null;
    if (!kind) continue;
    if (match.index > from) tokens.push([null, code.slice(from, match.index)]);
    tokens.push([kind, match[0]]);
    from = match.index + match[0].length;
  }
  if (from < code.length) tokens.push([null, code.slice(from)]);
  return tokens;
}
