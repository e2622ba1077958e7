// The page's pure modules, in Node: node --test modules.test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.document = { documentElement: { dataset: {} } };
const { parse, safeAddress, wordsOf } = await import('./page/markdown.js');
const { isSamePassage, placeOf, rangesOf } = await import('./page/citations.js');
const { EventParser } = await import('./page/events.js');
const { tokensOf } = await import('./page/highlight.js');
const { partsOf } = await import('./page/speech.js');

const types = (text, options) => parse(text, options).map(block => block.type);
const inline = (text, options) => parse(text, options)[0].inline;
const shape = nodes => nodes.map(node => (node.type === 'text' ? node.text : { [node.type]: node.children ? shape(node.children) : node.text ?? node.href ?? true }));

test('blocks of all kinds', () => {
  assert.deepEqual(
    types('# Title\n\ntext\nmore\n\n- a\n- b\n\n1. x\n2. y\n\n> said\n\n```js\nlet a;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\nend'),
    ['h', 'p', 'list', 'list', 'quote', 'fence', 'table', 'hr', 'p']);
});

test('inlines of all kinds', () => {
  assert.deepEqual(shape(inline('a **b** *c* ~~d~~ `e` [f](https://g.example/) ***h***')), [
    'a ', { strong: ['b'] }, ' ', { em: ['c'] }, ' ', { del: ['d'] }, ' ', { code: 'e' }, ' ', { link: ['f'] }, ' ', { strong: [{ em: ['h'] }] }]);
  assert.deepEqual(shape(inline('2 * 3 * 4, snake_case_name, a\\*b\\*')), ['2 * 3 * 4, snake_case_name, a*b*']);
  assert.deepEqual(shape(inline('**a *b***')), [{ strong: ['a ', { em: ['b'] }] }]);
  assert.deepEqual(shape(inline('``a ` b``')), [{ code: 'a ` b' }]);
  assert.deepEqual(shape(inline('a<br>b')), ['a', { br: true }, 'b']);
  assert.deepEqual(shape(inline('x &lt; y &amp; z')), ['x < y & z']);
});

test('lists keep their levels, numbers and boxes', () => {
  const [list] = parse('3. a\n   - b\n     - c\n4. [x] d');
  assert.equal(list.from, 3);
  assert.equal(list.items.length, 2);
  assert.equal(list.items[0].blocks[1].items[0].blocks[1].type, 'list');
  assert.equal(list.items[1].check, true);
  assert.equal(parse('- a\n\n- b')[0].isLoose, true);
  assert.equal(parse('- a\n- b\n\ntext')[0].isLoose, false);
  assert.deepEqual(types('text\n2025. a year is no list'), ['p']);
});

test('tables: alignment, bars in code, missing and too many cells', () => {
  const [table] = parse('| a | b |\n|:--|--:|\n| `x|y` | 1 |\n| only |\n| 1 | 2 | 3 |\ntext');
  assert.deepEqual(table.align, ['start', 'end']);
  assert.deepEqual(shape(table.rows[0][0]), [{ code: 'x|y' }]);
  assert.deepEqual(table.rows.map(row => row.length), [2, 2, 2]);
  assert.deepEqual(types('| a | b |\n|---|---|\n| 1 | 2 |\ntext'), ['table', 'p']);
});

test('HTML stays text', () => {
  const text = '<img src=x onerror=alert(1)> <script>alert(1)</script> <b>x</b>';
  assert.deepEqual(shape(inline(text)), [text]);
});

test('only addresses that run nothing become links', () => {
  for (const bad of ['javascript:alert(1)', ' JavaScript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', '//x', '/api', 'blob:x', '']) {
    assert.equal(safeAddress(bad), null, bad);
    assert.equal(JSON.stringify(parse(`[a](${bad}) <${bad}>`)).includes('"link"'), false, bad);
  }
  assert.equal(safeAddress('mailto:a@b.example'), 'mailto:a@b.example');
  assert.deepEqual(shape(inline('see https://a.example/x_(y)?z=1, and <https://b.example>.')), [
    'see ', { link: ['https://a.example/x_(y)?z=1'] }, ', and ', { link: ['https://b.example'] }, '.']);
});

test('a picture is never one', () => {
  assert.deepEqual(inline('![alt](https://evil.example/p.png)')[0], { type: 'image', alt: 'alt', href: 'https://evil.example/p.png' });
  assert.equal(inline('![alt](javascript:x)')[0].href, null);
});

test('what is half written is shown as what it is about to be', () => {
  const open = { isOpen: true };
  assert.deepEqual(shape(inline('a **bo', open)), ['a ', { strong: ['bo'] }]);
  assert.deepEqual(shape(inline('a **bold*', open)), ['a ', { strong: ['bold'] }]);
  assert.deepEqual(shape(inline('a **', open)), ['a ']);
  assert.deepEqual(shape(inline('a `co', open)), ['a ', { code: 'co' }]);
  assert.deepEqual(shape(inline('a [link](https://x', open)), ['a ', { span: ['link'] }]);
  assert.deepEqual(types('| a | b |', open), ['table']);
  assert.deepEqual(types('| a | b |\n|--', open), ['table']);
  assert.equal(parse('```js\nlet', open)[0].isClosed, false);
  assert.deepEqual(types('text\n-', open), ['p']);
});

test('no prefix of an answer breaks, and the whole is the same however it was cut', () => {
  const text = '# T\n\n**a** `b` [c](https://d.example)\n\n| x | y |\n|--|--|\n| **1** | 2 |\n\n```py\nx = "```"\n```\n1. a\n   - b\n\n> q\n\n![i](https://e.example)';
  for (let end = 0; end <= text.length; end++) parse(text.slice(0, end), { isOpen: true });
  assert.equal(JSON.stringify(parse(text)), JSON.stringify(parse(text, { isOpen: false })));
});

test('citations stand where the server counted them, and never in code', () => {
  const text = 'As said [1, 2], `items[1]` and **bold [1]**\n\n- item 【2】\n\n```\na[1]\n```';
  const at = (piece, from = 0) => text.indexOf(piece, from);
  const passages = [
    { n: 1, at: [[at('[1, 2]'), 6], [at('[1]**'), 3]] },
    { n: 2, at: [[at('[1, 2]'), 6], [at('【2】'), 3]] },
  ];
  const cites = rangesOf(passages, text.length);
  const blocks = parse(text, { cites });
  const found = [];
  const walk = nodes => nodes.forEach(node => {
    if (node.type === 'cite') found.push(node.cite.passages.map(passage => passage.n));
    walk(node.inline ?? node.children ?? node.blocks ?? node.items ?? []);
  });
  walk(blocks);
  assert.deepEqual(found, [[1, 2], [1], [2]]);
  assert.equal(wordsOf(blocks).includes('items[1]'), true);
});

test('citations at the edges: behind a pair of surrogates, in a quote, a table, a heading', () => {
  for (const text of ['😀 a [1]', '> a [1]', '# a [1]', '| a [1] | b |\n|--|--|\n| 1 | 2 |', '- - a [1]', 'x\r\ny [1]', '**[1]**', '[1](https://a.example)']) {
    const start = text.indexOf('[1]');
    const cites = rangesOf([{ n: 1, at: [[start, 3]] }], text.length);
    assert.match(JSON.stringify(parse(text, { cites })), /"type":"cite"/, text);
  }
});

test('ranges that lie are left out', () => {
  assert.deepEqual(rangesOf([{ n: 1, at: [[-1, 3], [5, 0], [8, 9]] }, { n: 2 }], 10), []);
  assert.equal(rangesOf([{ n: 1, at: [[0, 5]] }, { n: 2, at: [[3, 4]] }], 10).length, 1);
});

test('what a model was talked into writing is read in linear time', () => {
  const hostile = {
    stars: '*a '.repeat(40000), strong: '**a'.repeat(40000), under: '_a '.repeat(40000), brackets: '['.repeat(100000),
    links: '[a]('.repeat(20000), ticks: '`'.repeat(100000), tickRuns: Array.from({ length: 400 }, (_, i) => '`'.repeat(i + 1)).join('a'),
    quotes: '>'.repeat(100000), lists: '- '.repeat(50000), nested: '**a *b '.repeat(20000), angles: '<'.repeat(100000),
    table: `|a|b|\n|-|-|\n${'|1|2|\n'.repeat(20000)}`, pipes: `${'|'.repeat(50000)}\n${'|-'.repeat(50000)}`, hashes: `# ${'#'.repeat(100000)}`,
    spaces: ' '.repeat(100000), lines: '\n'.repeat(100000), ampersands: '&'.repeat(100000), addresses: 'http://'.repeat(20000),
    parens: `http://a${')'.repeat(1900)}`.repeat(10), deep: Array.from({ length: 1500 }, (_, i) => `${' '.repeat(i * 2)}- x`).join('\n'),
    gaps: `- a\n${'\n'.repeat(50000)}b`, nestedLinks: `${'[a'.repeat(20000)}${']'.repeat(20000)}`, escapes: '\\'.repeat(100000), cells: `|${'`a'.repeat(20000)}`,
  };
  for (const [name, text] of Object.entries(hostile)) {
    for (const isOpen of [false, true]) {
      const started = performance.now();
      parse(text, { isOpen });
      // Quadratic work would take minutes; this is far more than the slowest machine needs.
      assert.ok(performance.now() - started < 20000, name);
    }
  }
});

test('nesting has an end, and nothing of the text is lost', () => {
  const depth = nodes => (nodes.length === 0 ? 0 : 1 + Math.max(...nodes.map(node => depth(node.blocks ?? node.items ?? node.children ?? []))));
  assert.ok(depth(parse(`${'> '.repeat(500)}deep`)) < 40);
  assert.match(wordsOf(parse(`${'> '.repeat(500)}deep`)), /deep/);
});

test('the stream is read however it is cut', () => {
  const text = ': note\nevent: delta\ndata: {"text":"a\\n"}\n\nevent:done\r\ndata:{"x":\r\ndata: 1}\r\n\r\nevent: lost\ndata: {"y":1}';
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = new EventParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    assert.deepEqual(events, [{ event: 'delta', data: { text: 'a\n' } }, { event: 'done', data: { x: 1 } }], `cut at ${cut}`);
  }
});

test('colours lose nothing of the code', () => {
  for (const [code, language] of [['var x = "a\\"b"; // c\n', 'cs'], ['# c\nx = \'y\'', 'python'], ['"open', 'js'], ['/* open', 'js'], ['-- c\nSELECT 1', 'sql'], ['plain', ''], ['a'.repeat(30000), 'js']]) {
    assert.equal(tokensOf(code, language).map(([, text]) => text).join(''), code);
  }
  assert.deepEqual(tokensOf('let x = 1', 'js').filter(([kind]) => kind), [['keyword', 'let'], ['number', '1']]);
});

test('places, passages and parts to be spoken', () => {
  assert.equal(placeOf({ source: 'a.pdf', heading: 'H', page: 3 }), 'a.pdf · H · page 3');
  assert.equal(placeOf({ source: 'a.md', heading: null, page: null }), 'a.md');
  assert.equal(isSamePassage('a  b\nc', 'a b c'), true);
  assert.equal(isSamePassage('a', 'a b c'), false);
  const long = 'One sentence here. '.repeat(300);
  assert.ok(partsOf(long).every(part => part.length <= 1500));
  assert.equal(partsOf(long).join(' '), long.trim());
  assert.ok(partsOf('x'.repeat(5000)).every(part => part.length <= 1500));
});
