// Read aloud: with the host's voice where it offers one, else with the browser's own.
import { send } from './calls.js';
import { announce } from './dom.js';

const longest = 1500; // characters; hosts take 2,000 unless set otherwise

export class Speech {
  constructor(features) {
    Object.assign(this, { features, running: null });
  }

  get isPossible() {
    return this.features.speech || 'speechSynthesis' in window;
  }

  stop() {
    this.running?.abort();
    this.running = null;
    if ('speechSynthesis' in window) speechSynthesis.cancel();
  }

  // Resolves when all is said, or it was stopped.
  async speak(text) {
    this.stop();
    const running = new AbortController();
    this.running = running;
    let parts = partsOf(text);
    try {
      while (this.features.speech && parts.length > 0 && !running.signal.aborted) {
        await this.play(parts[0], running.signal);
        parts = parts.slice(1);
      }
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      announce(`${problem.message} The browser's own voice reads instead.`);
    }
    if (parts.length > 0 && !running.signal.aborted) await this.utter(parts, running.signal);
  }

  async play(text, signal) {
    const response = await send('POST', '/api/speech', { body: { text }, signal });
    this.audio ??= new AudioContext();
    await this.audio.resume();
    const source = this.audio.createBufferSource();
    source.buffer = await this.audio.decodeAudioData(await response.arrayBuffer());
    source.connect(this.audio.destination);
    await new Promise(resolve => {
      source.onended = resolve;
      signal.addEventListener('abort', () => source.stop());
      source.start();
    });
  }

  async utter(parts, signal) {
    if (!('speechSynthesis' in window)) return;
    for (const part of parts) {
      if (signal.aborted) return;
      await new Promise(resolve => {
        const utterance = new SpeechSynthesisUtterance(part);
        utterance.onend = resolve;
        utterance.onerror = resolve;
        signal.addEventListener('abort', resolve);
        speechSynthesis.speak(utterance);
      });
    }
  }
}

// Whole sentences, as many as fit.
export function partsOf(text) {
  const parts = [''];
  for (const sentence of text.trim().match(/[^.!?\n]+[.!?\n]*\s*|[.!?\n]+\s*/g) ?? []) {
    for (let from = 0; from < sentence.length; from += longest) {
      const piece = sentence.slice(from, from + longest);
      if (parts.at(-1).length + piece.length > longest) parts.push('');
      parts[parts.length - 1] += piece;
    }
  }
  return parts.map(part => part.trim()).filter(Boolean);
}
