// Server-sent events of a fetched body (HTML standard, "event stream interpretation"), as far as the host sends them.
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export class EventParser {
  constructor() {
    this.rest = '';
    this.event = '';
    this.data = [];
  }

  // The events that a piece of the stream completes. Lines end with LF, CR LF or CR.
  *push(piece) {
    this.rest += piece;
    for (let end; (end = this.rest.search(/\r\n|\n|\r(?!$)/)) >= 0;) {
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith('\r\n', end) ? 2 : 1));
      if (line === '') {
        if (this.data.length > 0) yield { event: this.event || 'message', data: JSON.parse(this.data.join('\n')) };
        this.event = '';
        this.data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
      if (field === 'event') this.event = value;
      else if (field === 'data') this.data.push(value);
    }
  }
}
