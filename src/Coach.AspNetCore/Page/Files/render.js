// The tree of markdown.js as elements. Nothing is ever parsed as HTML.
import { announce, element, iconButton } from './dom.js';
import { tokensOf } from './highlight.js';
import { parse } from './markdown.js';

// Headings of an answer stand below the page's own (h2), and skip no level, whatever the model wrote.
class Headings {
  constructor() {
    this.all = [];
  }

  // A heading that is drawn again, as it grows, counts once.
  levelOf({ start, level }) {
    while (this.all.length > 0 && this.all.at(-1).start >= start) this.all.pop();
    const before = this.all.at(-1);
    const shown = before ? Math.max(3, Math.min(before.shown + level - before.level, before.shown + 1, 6)) : 3;
    this.all.push({ start, level, shown });
    return shown;
  }
}

// context: what a click on a citation does, and the headings so far.
function blockElement(block, context) {
  switch (block.type) {
    case 'h': return element(`h${context.headings.levelOf(block)}`, { dir: 'auto', class: `h${block.level}` }, inlines(block.inline, context));
    case 'fence': return fence(block);
    case 'hr': return element('hr');
    case 'quote': return element('blockquote', { dir: 'auto' }, blocks(block.blocks, context));
    case 'list': return list(block, context);
    case 'table': return table(block, context);
    default: return element('p', { dir: 'auto' }, inlines(block.inline, context));
  }
}

const blocks = (all, context) => all.map(block => blockElement(block, context));
const inlines = (all, context) => all.flatMap(node => inline(node, context));

function inline(node, context) {
  switch (node.type) {
    case 'text': return [node.text];
    case 'br': return [element('br')];
    case 'code': return [element('code', { dir: 'ltr' }, node.text)];
    case 'strong': case 'em': case 'del': return [element(node.type, {}, inlines(node.children, context))];
    case 'span': return inlines(node.children, context);
    case 'link': return [link(node.href, inlines(node.children, context))];
    case 'image': return [image(node)];
    case 'cite': return node.cite.passages.map(passage => chip(passage, context));
    default: return [];
  }
}

function link(href, children) {
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, children);
}

// A picture of a foreign host would tell that host who reads what: its address is a link.
function image({ href, alt }) {
  const name = `Picture: ${alt || href || 'without a name'}`;
  return href ? link(href, [name]) : element('span', {}, name);
}

function chip(passage, context) {
  const name = `Source ${passage.n}: ${passage.source}`;
  return element('button', { type: 'button', class: 'cite', title: passage.source, 'aria-label': name, onclick: event => context.onCite(passage, event.currentTarget) }, String(passage.n));
}

function list(block, context) {
  const items = block.items.map(item => {
    const isTight = !block.isLoose && item.blocks[0]?.type === 'p';
    const [first, ...rest] = item.blocks;
    const content = isTight ? [...inlines(first.inline, context), ...blocks(rest, context)] : blocks(item.blocks, context);
    if (item.check === null) return element('li', { dir: 'auto' }, content);
    const box = element('input', { type: 'checkbox', checked: item.check, disabled: true, 'aria-label': item.check ? 'done' : 'to do' });
    return element('li', { dir: 'auto', class: 'task' }, box, ' ', content);
  });
  return block.isOrdered ? element('ol', { start: block.from, dir: 'auto' }, items) : element('ul', { dir: 'auto' }, items);
}

function table(block, context) {
  const cell = (tag, content, column) => {
    const made = element(tag, { dir: 'auto', scope: tag === 'th' ? 'col' : null }, inlines(content, context));
    if (block.align[column]) made.classList.add(block.align[column]);
    return made;
  };
  return element('div', { class: 'table', tabIndex: 0, role: 'group', 'aria-label': 'Table' }, element('table', {},
    element('thead', {}, element('tr', {}, block.head.map((content, column) => cell('th', content, column)))),
    element('tbody', {}, block.rows.map(row => element('tr', {}, row.map((content, column) => cell('td', content, column)))))));
}

function fence(block) {
  const code = element('code', {});
  const copy = iconButton('copy', 'Copy the code', () => copyText(code.textContent));
  const made = element('figure', { class: 'code', dir: 'ltr' },
    element('figcaption', {}, element('span', {}, block.language || 'code'), copy),
    element('pre', { tabIndex: 0 }, code));
  fillCode(code, block);
  made.code = code;
  return made;
}

// Colours come when the block is whole.
function fillCode(code, block) {
  if (block.isClosed) {
    code.replaceChildren(...tokensOf(block.text, block.language).map(([kind, text]) => (kind ? element('span', { class: `t-${kind}` }, text) : text)));
  } else if (code.firstChild?.nodeType === Node.TEXT_NODE && block.text.startsWith(code.firstChild.data)) {
    code.firstChild.appendData(block.text.slice(code.firstChild.data.length));
  } else {
    code.textContent = block.text;
  }
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce('Copied.');
  } catch {
    announce('The browser does not allow copying here.');
  }
}

// The whole of a text that is complete.
export function renderWhole(target, text, cites, onCite) {
  target.replaceChildren(...blocks(parse(text, { cites }), { onCite, headings: new Headings() }));
}

// A text that arrives in pieces. Blocks that are complete are made once; only the last one is made again, at most once a
// frame, and less often where that takes long.
export class StreamedText {
  constructor(target, onDrawn) {
    Object.assign(this, { target, onDrawn, context: { onCite: () => {}, headings: new Headings() }, text: '', settled: 0, last: null, lastBlock: null, frame: 0, notBefore: 0 });
  }

  add(piece) {
    this.text += piece;
    this.frame ||= requestAnimationFrame(now => this.draw(now));
  }

  draw(now) {
    this.frame = 0;
    if (now < this.notBefore) {
      this.frame = requestAnimationFrame(later => this.draw(later));
      return;
    }
    const started = performance.now();
    this.drawTail();
    this.notBefore = now + 4 * (performance.now() - started);
    this.onDrawn();
  }

  drawTail() {
    const all = parse(this.text.slice(this.settled), { isOpen: true, at: this.settled });
    all.forEach((block, index) => {
      const isSame = index === 0 && this.lastBlock?.type === 'fence' && block.type === 'fence' && this.lastBlock.language === block.language;
      if (isSame) {
        fillCode(this.last.code, block);
      } else {
        const made = blockElement(block, this.context);
        if (index === 0 && this.last) this.last.replaceWith(made);
        else this.target.append(made);
        this.last = made;
      }
      this.lastBlock = block;
    });
    if (all.length > 1) this.settled = all.at(-1).start;
  }

  end() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}
