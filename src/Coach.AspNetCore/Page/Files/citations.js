// Citations as the server counted them: `at` of each passage holds pairs of the first UTF-16 code unit and a length.
// A bracket that names several passages is one range with all of them.
export function rangesOf(passages, textLength) {
  const byStart = new Map();
  for (const passage of passages) {
    for (const [start, length] of passage.at ?? []) {
      if (start < 0 || length < 1 || start + length > textLength) continue;
      const range = byStart.get(start);
      if (!range) byStart.set(start, { start, length, passages: [passage] });
      else if (range.length === length && !range.passages.includes(passage)) range.passages.push(passage);
    }
  }
  const sorted = [...byStart.values()].sort((one, other) => one.start - other.start);
  return sorted.filter((range, index) => index === 0 || range.start >= sorted[index - 1].start + sorted[index - 1].length);
}

// Where the document has a page, it is said: "harbour.pdf · Lighthouse · page 3".
export function placeOf(passage) {
  return [passage.source, passage.heading, passage.page ? `page ${passage.page}` : null].filter(Boolean).join(' · ');
}

// A passage of a document that is the cited one: it holds the same words, or is held by them.
export function isSamePassage(one, other) {
  const plain = text => text.replace(/\s+/g, ' ').trim();
  const [a, b] = [plain(one), plain(other)];
  return a === b || (Math.min(a.length, b.length) > 40 && (a.includes(b) || b.includes(a)));
}
