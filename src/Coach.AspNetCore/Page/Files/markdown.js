// Markdown to a tree of plain objects: what models write (CommonMark's blocks and inlines, GitHub's tables, task lists
// and strikethrough). HTML stays text, images are never fetched. Every step is linear, and nesting has an end, whatever
// a model was talked into writing. Each piece knows where it stands in the text, so that citations, which the server
// counts by position, are found.
const maxBlocks = 12;
const maxInlines = 16;
const maxColumns = 64;
const maxAddress = 2000;
const bullet = /^( {0,3}|\t)([-*+]|\d{1,9}[.)])(?=[ \t]|$)/;
const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`]*)$/;
const rule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const escapable = '\\`*_{}[]()#+-.!|<>~"\'$%&,/:;=?@^';
const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '©', mdash: '—', ndash: '–', hellip: '…' };

// cites: [{ start, length, … }] in the text's own positions, sorted. isOpen: more is to come, so that what is half
// written is shown as what it is about to be. at: where this text stands in the whole one.
export function parse(text, { cites = [], isOpen = false, at = 0 } = {}) {
  const lines = [];
  for (let from = 0; from <= text.length;) {
    let end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    const stop = end > from && text[end - 1] === '\r' ? end - 1 : end;
    lines.push({ text: text.slice(from, stop), at: at + from });
    from = end + 1;
  }
  return blocksOf(lines, 0, { cites, isOpen });
}

// The address of a link that may be followed, or null: only what a browser opens without running anything.
export function safeAddress(address) {
  try {
    const url = new URL(address.trim());
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

// What is read aloud or announced: the words alone.
export function wordsOf(nodes) {
  return nodes.map(node => {
    switch (node.type) {
      case 'text': case 'code': return node.text;
      case 'image': return node.alt;
      case 'br': return '\n';
      case 'p': case 'h': return `${wordsOf(node.inline)}\n`;
      case 'fence': return `${node.text}\n`;
      case 'list': return node.items.map(item => wordsOf(item.blocks)).join('');
      case 'table': return [node.head, ...node.rows].map(row => `${row.map(wordsOf).join(', ')}\n`).join('');
      default: return wordsOf(node.blocks ?? node.children ?? []);
    }
  }).join('');
}

// Blocks

function blocksOf(lines, depth, context) {
  const blocks = [];
  for (let index = 0; index < lines.length;) {
    if (isBlank(lines[index])) {
      index++;
      continue;
    }
    const isLeaf = depth >= maxBlocks;
    const taken = takeFence(lines, index)
      ?? takeHeading(lines, index, context)
      ?? takeRule(lines, index)
      ?? (isLeaf ? null : takeQuote(lines, index, depth, context))
      ?? (isLeaf ? null : takeList(lines, index, depth, context))
      ?? takeTable(lines, index, context)
      ?? takeParagraph(lines, index, isLeaf, context);
    blocks.push(Object.assign(taken.block, { start: lines[index].at }));
    index = taken.next;
  }
  return blocks;
}

const isBlank = line => line.text.trim() === '';

// How far a line is indented; a tab reaches the next multiple of four.
function indentOf(text) {
  let columns = 0;
  for (const c of text) {
    if (c === ' ') columns++;
    else if (c === '\t') columns += 4 - (columns % 4);
    else break;
  }
  return columns;
}

function strip(line, columns) {
  let column = 0;
  let from = 0;
  while (column < columns && from < line.text.length && (line.text[from] === ' ' || line.text[from] === '\t')) {
    column += line.text[from] === '\t' ? 4 - (column % 4) : 1;
    from++;
  }
  return { text: line.text.slice(from), at: line.at + from };
}

function startsBlock(text) {
  return /^ {0,3}(?:#{1,6}(?:[ \t]|$)|>|```|~~~)/.test(text) || rule.test(text)
    || /^ {0,3}(?:[-*+]|1[.)])[ \t]+\S/.test(text);
}

function takeFence(lines, index) {
  const opened = fence.exec(lines[index].text);
  if (!opened) return null;
  const indent = indentOf(lines[index].text);
  const closes = new RegExp(`^ {0,3}${opened[1][0] === '`' ? '`' : '~'}{${Math.min(opened[1].length, 500)},}[ \\t]*$`);
  let next = index + 1;
  while (next < lines.length && !closes.test(lines[next].text)) next++;
  const text = lines.slice(index + 1, next).map(line => strip(line, indent).text).join('\n');
  const isClosed = next < lines.length;
  return { block: { type: 'fence', language: opened[2].trim().split(/\s/)[0].slice(0, 40), text, isClosed }, next: next + 1 };
}

function takeHeading(lines, index, context) {
  const { text, at } = lines[index];
  const opened = /^ {0,3}(#{1,6})(?:[ \t]+|$)/.exec(text);
  if (!opened) return null;
  let end = text.trimEnd().length;
  let hashes = end;
  while (hashes > opened[0].length && text[hashes - 1] === '#') hashes--;
  if (hashes < end && (hashes === opened[0].length || /[ \t]/.test(text[hashes - 1]))) end = hashes;
  const inline = inlineOf([{ text: text.slice(opened[0].length, end).trimEnd(), at: at + opened[0].length }], context);
  return { block: { type: 'h', level: opened[1].length, inline }, next: index + 1 };
}

// A line of dashes below text is a rule here, not a heading of the second level: so a stream never turns a paragraph
// that was read into a title.
function takeRule(lines, index) {
  return rule.test(lines[index].text) ? { block: { type: 'hr' }, next: index + 1 } : null;
}

function takeQuote(lines, index, depth, context) {
  if (!/^ {0,3}>/.test(lines[index].text)) return null;
  const inner = [];
  let next = index;
  for (; next < lines.length; next++) {
    const marker = /^ {0,3}>[ \t]?/.exec(lines[next].text);
    const isLazy = !marker && !isBlank(lines[next]) && !isBlank(inner.at(-1)) && !startsBlock(lines[next].text);
    if (!marker && !isLazy) break;
    const cut = marker ? marker[0].length : 0;
    inner.push({ text: lines[next].text.slice(cut), at: lines[next].at + cut });
  }
  return { block: { type: 'quote', blocks: blocksOf(inner, depth + 1, context) }, next };
}

function takeList(lines, index, depth, context) {
  const first = bullet.exec(lines[index].text);
  if (!first || rule.test(lines[index].text)) return null;
  const isOrdered = /\d/.test(first[2]);
  const base = indentOf(lines[index].text);
  const items = [];
  let isLoose = false;
  let hasGap = false;
  let next = index;
  while (next < lines.length) {
    const marker = bullet.exec(lines[next].text);
    const indent = indentOf(lines[next].text);
    if (!marker || /\d/.test(marker[2]) !== isOrdered || indent > base + 1 || rule.test(lines[next].text)) break;
    isLoose ||= hasGap;
    const item = takeItem(lines, next, marker, base, isOrdered);
    ({ hasGap } = item);
    const body = item.lines;
    const check = /^\[([ xX])\][ \t]/.exec(body[0].text);
    if (check) body[0] = { text: body[0].text.slice(check[0].length), at: body[0].at + check[0].length };
    items.push({ check: check ? check[1] !== ' ' : null, blocks: blocksOf(body, depth + 1, context) });
    next = item.next;
  }
  const number = isOrdered ? Number.parseInt(first[2], 10) : 1;
  return { block: { type: 'list', isOrdered, from: number, isLoose, items }, next };
}

// An item holds what is indented to its text; models indent by two or three as they like, so by two is enough.
function takeItem(lines, index, marker, base, isOrdered) {
  const head = marker[0].length;
  const rest = lines[index].text.slice(head);
  const gap = Math.min(indentOf(rest) || 1, 4);
  const body = [strip({ text: rest, at: lines[index].at + head }, gap)];
  const content = base + marker[2].length + gap;
  let next = index + 1;
  let hasGap = false;
  for (; next < lines.length; next++) {
    const line = lines[next];
    if (isBlank(line)) {
      const following = lines[next + 1];
      if (!following || (!isBlank(following) && indentOf(following.text) < base + 2 && !bullet.test(following.text))) break;
      hasGap = true;
      body.push({ text: '', at: line.at });
      continue;
    }
    const indent = indentOf(line.text);
    const other = bullet.exec(line.text);
    if (other && indent <= base + 1) break;
    const isInside = indent >= Math.min(content, base + (isOrdered ? 3 : 2)) || indent >= base + 2;
    const isLazy = !hasGap && !startsBlock(line.text) && !isBlank(body.at(-1));
    if (!isInside && !isLazy) break;
    body.push(strip(line, Math.min(indent, content)));
  }
  while (body.length > 1 && isBlank(body.at(-1))) body.pop();
  return { lines: body, next, hasGap };
}

function takeTable(lines, index, context) {
  const head = lines[index];
  if (!head.text.includes('|')) return null;
  const second = lines[index + 1];
  const isComing = context.isOpen && /^\s*\|/.test(head.text) && (!second || (index + 2 === lines.length && /^[\s|:-]*$/.test(second.text)));
  const delimiters = second ? cellsOf(second) : [];
  const isTable = delimiters.length > 0 && second.text.includes('-') && /^[\s|:-]+$/.test(second.text)
    && delimiters.every(cell => /^:?-+:?$/.test(cell.text));
  const cells = cellsOf(head);
  if (!isComing && (!isTable || delimiters.length !== cells.length)) return null;
  const align = cells.map((_, column) => alignOf(delimiters[column]?.text ?? ''));
  const rows = [];
  let next = index + 2;
  for (; next < lines.length && lines[next].text.includes('|') && !startsBlock(lines[next].text); next++) {
    const row = cellsOf(lines[next]);
    rows.push(cells.map((_, column) => (row[column] ? inlineOf([row[column]], context) : [])));
  }
  const block = { type: 'table', align, head: cells.map(cell => inlineOf([cell], context)), rows };
  return { block, next: Math.min(next, lines.length) };
}

function alignOf(delimiter) {
  const isRight = delimiter.endsWith(':');
  if (delimiter.startsWith(':')) return isRight ? 'center' : 'start';
  return isRight ? 'end' : null;
}

// A bar in code, or behind a backslash, is none.
function cellsOf(line) {
  const cells = [];
  const { text } = line;
  let from = /^\s*\|?/.exec(text)[0].length;
  let isCode = false;
  const end = text.trimEnd().length;
  for (let index = from; index <= end && cells.length < maxColumns; index++) {
    if (text[index] === '`') isCode = text.indexOf('`', index + 1) >= 0 ? !isCode : false;
    const isEnd = index === end;
    if (!isEnd && (text[index] !== '|' || isCode || text[index - 1] === '\\')) continue;
    if (isEnd && from >= end && cells.length > 0) break;
    const cell = text.slice(from, index);
    const trimmed = cell.trim();
    cells.push({ text: trimmed, at: line.at + from + (cell.length - cell.trimStart().length) });
    from = index + 1;
  }
  return cells;
}

function takeParagraph(lines, index, isLeaf, context) {
  let next = index + 1;
  while (next < lines.length && !isBlank(lines[next]) && (isLeaf || !startsBlock(lines[next].text)) && !startsTable(lines, next)) next++;
  const body = lines.slice(index, next).map(line => strip(line, indentOf(line.text)));
  return { block: { type: 'p', inline: inlineOf(body, context) }, next };
}

function startsTable(lines, index) {
  const second = lines[index + 1];
  return second !== undefined && lines[index].text.includes('|') && second.text.includes('-')
    && second.text.includes('|') && /^[\s|:-]+$/.test(second.text);
}

// Inlines

function inlineOf(lines, context) {
  const text = lines.map(line => line.text).join('\n');
  return new Inlines(text, citesIn(lines, context.cites), context.isOpen).read(0, text.length, 0);
}

// Citations by their position in the joined lines.
function citesIn(lines, cites) {
  const found = new Map();
  if (cites.length === 0) return found;
  let position = 0;
  for (const line of lines) {
    let low = 0;
    for (let high = cites.length; low < high;) {
      const middle = (low + high) >> 1;
      if (cites[middle].start < line.at) low = middle + 1;
      else high = middle;
    }
    for (; low < cites.length && cites[low].start + cites[low].length <= line.at + line.text.length; low++) {
      found.set(position + cites[low].start - line.at, cites[low]);
    }
    position += line.text.length + 1;
  }
  return found;
}

const isSpace = c => c === undefined || /\s/.test(c);
const isWord = c => c !== undefined && /[\p{L}\p{N}_]/u.test(c);

class Inlines {
  constructor(text, cites, isOpen) {
    Object.assign(this, { text, cites, isOpen, none: new Map(), ticks: new Map(), pairs: new Map() });
    this.index();
  }

  // One pass: runs of backticks by their length, and which bracket closes which.
  index() {
    const { text } = this;
    const open = [];
    for (let at = 0; at < text.length; at++) {
      const c = text[at];
      if (c === '\\') {
        at++;
      } else if (c === '`') {
        const length = this.run(at, '`');
        if (!this.ticks.has(length)) this.ticks.set(length, []);
        this.ticks.get(length).push(at);
        at += length - 1;
      } else if (c === '[') {
        open.push(at);
      } else if (c === ']' && open.length > 0) {
        this.pairs.set(open.pop(), at);
      }
    }
  }

  run(at, c) {
    let end = at;
    while (this.text[end] === c) end++;
    return end - at;
  }

  read(from, end, depth) {
    const nodes = [];
    let plain = '';
    const flush = () => {
      if (plain) nodes.push({ type: 'text', text: plain });
      plain = '';
    };
    for (let at = from; at < end;) {
      const taken = this.take(at, end, depth);
      if (taken === null) {
        plain += this.text[at++];
      } else {
        if (taken.text !== undefined) {
          plain += taken.text;
        } else {
          flush();
          nodes.push(taken.node);
        }
        at = taken.next;
      }
    }
    flush();
    return nodes;
  }

  take(at, end, depth) {
    const cite = this.cites.get(at);
    if (cite && at + cite.length <= end) {
      return { node: { type: 'cite', cite, text: this.text.slice(at, at + cite.length) }, next: at + cite.length };
    }
    switch (this.text[at]) {
      case '\\': return this.takeEscape(at, end);
      case '\n': return { node: { type: 'br' }, next: at + 1 };
      case ' ': return this.takeSpaces(at, end);
      case '`': return this.takeCode(at, end);
      case '*': case '_': case '~': return this.takeEmphasis(at, end, depth);
      case '!': return this.text[at + 1] === '[' ? this.takeImage(at, end) : null;
      case '[': return this.takeLink(at, end, depth);
      case '<': return this.takeAngle(at, end);
      case '&': return this.takeEntity(at);
      case 'h': return this.takeAddress(at, end);
      default: return null;
    }
  }

  takeEscape(at, end) {
    const next = this.text[at + 1];
    if (at + 1 >= end) return null;
    if (next === '\n') return { node: { type: 'br' }, next: at + 2 };
    return escapable.includes(next) ? { text: next, next: at + 2 } : null;
  }

  takeSpaces(at, end) {
    const length = this.run(at, ' ');
    return this.text[at + length] === '\n' && at + length < end ? { text: '', next: at + length } : { text: ' '.repeat(length), next: at + length };
  }

  takeCode(at, end) {
    const length = this.run(at, '`');
    const runs = this.ticks.get(length) ?? [];
    let low = 0;
    for (let high = runs.length; low < high;) {
      const middle = (low + high) >> 1;
      if (runs[middle] <= at) low = middle + 1;
      else high = middle;
    }
    let close = runs[low];
    if (close === undefined || close + length > end) {
      if (!this.isOpen || end < this.text.length) return { text: this.text.slice(at, at + length), next: at + length };
      close = end;
    }
    let code = this.text.slice(at + length, close).replaceAll('\n', ' ');
    if (code.length > 2 && code.startsWith(' ') && code.endsWith(' ') && code.trim()) code = code.slice(1, -1);
    return { node: { type: 'code', text: code }, next: Math.min(close + length, end) };
  }

  takeEmphasis(at, end, depth) {
    const c = this.text[at];
    const run = this.run(at, c);
    const literal = { text: this.text.slice(at, at + run), next: at + run };
    const isTail = this.isOpen && end === this.text.length;
    if (at + run >= end) return isTail && run < 4 && at > 0 && c !== '_' ? { text: '', next: end } : literal;
    const canOpen = !isSpace(this.text[at + run]) && !(c === '_' && isWord(this.text[at - 1])) && (c !== '~' || run === 2);
    if (!canOpen || run > 3 || depth >= maxInlines) return literal;
    for (let length = run; length >= 1; length--) {
      if (c === '~' && length !== 2) break;
      const close = this.closer(c, length, at + run, end);
      const isHalf = isTail && length < run && close + length === end; // "**bold*": its second star is on its way
      if (close >= 0 && !isHalf) return this.emphasis(c, length, at, run, close, close + length, depth);
    }
    if (!isTail || c === '_') return literal;
    const trailing = /[*~]{1,3}$/.exec(this.text.slice(at + run, end))?.[0].length ?? 0;
    return this.emphasis(c, run, at, run, end - trailing, end, depth);
  }

  emphasis(c, length, at, run, close, next, depth) {
    // What of the run is left over stands before it.
    const children = this.read(at + run, close, depth + 1);
    let node = { type: 'em', children };
    if (c === '~') node = { type: 'del', children };
    else if (length === 2) node = { type: 'strong', children };
    else if (length === 3) node = { type: 'strong', children: [{ type: 'em', children }] };
    const left = run - length;
    return left > 0
      ? { node: { type: 'span', children: [{ type: 'text', text: c.repeat(left) }, node] }, next }
      : { node, next };
  }

  // The first run behind a position that can close; what was looked for in vain is not looked for again.
  closer(c, length, from, end) {
    const key = `${c}${length}|${end}`;
    if (from >= (this.none.get(key) ?? Infinity)) return -1;
    for (let at = from; at < end; at++) {
      const now = this.text[at];
      if (now === '\\') {
        at++;
      } else if (now === '`') {
        const code = this.takeCode(at, end);
        at = code.next - 1;
      } else if (now === c) {
        const run = Math.min(this.run(at, c), end - at);
        const fits = length === 1 ? run === 1 || run >= 3 : run >= length;
        const closes = fits && !isSpace(this.text[at - 1]) && !(c === '_' && isWord(this.text[at + run]));
        if (closes && at > from - 1) return at + run - length;
        at += run - 1;
      }
    }
    this.none.set(key, Math.min(from, this.none.get(key) ?? Infinity));
    return -1;
  }

  takeLink(at, end, depth) {
    const close = this.pairs.get(at);
    if (close === undefined || close >= end) return null;
    const target = this.target(close + 1, end);
    if (target === null || depth >= maxInlines) return null;
    const children = this.read(at + 1, close, depth + 1);
    const href = safeAddress(target.address);
    return { node: href ? { type: 'link', href, children } : { type: 'span', children }, next: target.next };
  }

  takeImage(at, end) {
    const close = this.pairs.get(at + 1);
    if (close === undefined || close >= end) return null;
    const target = this.target(close + 1, end);
    if (target === null) return null;
    const alt = this.text.slice(at + 2, close);
    return { node: { type: 'image', alt, href: safeAddress(target.address) }, next: target.next };
  }

  // (address "title"), from its bracket on; what has not come yet, while more is to come, is taken as it is.
  target(at, end) {
    if (this.text[at] !== '(') return null;
    let depth = 0;
    let stop = at;
    const limit = Math.min(end, at + maxAddress);
    for (; stop < limit; stop++) {
      const c = this.text[stop];
      if (c === '\n') break;
      if (c === '\\') stop++;
      else if (c === '(') depth++;
      else if (c === ')' && --depth === 0) break;
    }
    const isWhole = stop < limit && this.text[stop] === ')';
    if (!isWhole && !(this.isOpen && stop === end && end === this.text.length)) return null;
    const inside = this.text.slice(at + 1, Math.min(stop, end)).trim();
    const address = inside.startsWith('<') ? inside.slice(1).split('>')[0] : inside.split(/\s/)[0];
    return { address: isWhole ? address : '', next: isWhole ? stop + 1 : end };
  }

  takeAngle(at, end) {
    const close = this.text.indexOf('>', at);
    if (close < 0 || close >= Math.min(end, at + maxAddress)) return null;
    const inside = this.text.slice(at + 1, close);
    if (/^br\s*\/?$/i.test(inside)) return { node: { type: 'br' }, next: close + 1 };
    const address = /^https?:\/\/[^\s<]+$/i.test(inside) ? inside
      : /^[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}$/.test(inside) ? `mailto:${inside}` : null;
    const href = address && safeAddress(address);
    return href ? { node: { type: 'link', href, children: [{ type: 'text', text: inside }] }, next: close + 1 } : null;
  }

  takeEntity(at) {
    const match = /^&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/.exec(this.text.slice(at, at + 12));
    if (!match) return null;
    const code = match[1] ? Number.parseInt(match[1], 10) : Number.parseInt(match[2], 16);
    const text = match[3] ? entities[match[3]] : code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
    return text === undefined ? null : { text, next: at + match[0].length };
  }

  takeAddress(at, end) {
    if (isWord(this.text[at - 1]) || !/^https?:\/\/[^\s]/.test(this.text.slice(at, at + 9))) return null;
    let stop = at;
    while (stop < end && stop - at < maxAddress && !/[\s<>"`|]/.test(this.text[stop]) && !this.cites.has(stop)) stop++;
    while (stop > at && /[.,;:!?'")\]*_~]/.test(this.text[stop - 1])) {
      const piece = this.text.slice(at, stop);
      if (piece.endsWith(')') && piece.split('(').length >= piece.split(')').length) break;
      stop--;
    }
    const text = this.text.slice(at, stop);
    const href = safeAddress(text);
    return href ? { node: { type: 'link', href, children: [{ type: 'text', text }] }, next: stop } : null;
  }
}
