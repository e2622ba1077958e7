// Pictures and files that come with the question: chosen, dropped or pasted; offered where a model answers.
import { $, announce, button, element, say } from './dom.js';

const pictures = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const texts = /^(text\/[a-z0-9.+-]+|application\/json)$/;
const textNames = /\.(txt|md|markdown|csv|tsv|json|jsonl|log|xml|html?|ya?ml|toml|ini|sql|css|js|ts|py|cs|java|go|rs|rb|php|sh|c|h|cpp)$/i;

export class Files {
  constructor({ maxFiles = 0, maxFileBytes = 0 }, session) {
    Object.assign(this, { maxFiles, maxFileBytes, session, chosen: [] });
    $('attach').addEventListener('click', () => $('question-files').click());
    $('question-files').addEventListener('change', () => {
      this.add([...$('question-files').files]);
      $('question-files').value = '';
      $('message').focus();
    });
    $('message').addEventListener('paste', event => {
      const pasted = [...(event.clipboardData?.files ?? [])];
      if (pasted.length > 0 && this.isOffered) {
        event.preventDefault();
        this.add(pasted);
      }
    });
    const area = $('ask');
    area.addEventListener('dragover', event => {
      if (this.isOffered && event.dataTransfer.types.includes('Files')) event.preventDefault();
    });
    area.addEventListener('drop', event => {
      if (!this.isOffered || event.dataTransfer.files.length === 0) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  get isOffered() {
    return this.maxFiles > 0 && this.session.isReal;
  }

  draw() {
    $('attach').hidden = !this.isOffered;
    $('question-file-list').hidden = this.chosen.length === 0;
    $('question-file-list').replaceChildren(...this.chosen.map(file => element('li', {}, element('span', { dir: 'auto' }, file.name),
      button('Remove', () => this.remove(file), { 'aria-label': `Remove ${file.name}`, class: 'quiet' }))));
  }

  add(files) {
    let problem = '';
    for (const file of files) {
      const size = this.chosen.reduce((sum, one) => sum + one.size, file.size);
      if (!typeOf(file)) problem = `${file.name}: a PNG, JPEG, GIF or WebP picture, a PDF or a text can come with a question.`;
      else if (this.chosen.length >= this.maxFiles) problem = `At most ${this.maxFiles} files can come with a question.`;
      else if (size > this.maxFileBytes) problem = `${file.name}: the files of a question hold at most ${Math.floor(this.maxFileBytes / 1024)} KiB together.`;
      else this.chosen.push(file);
    }
    say($('question-file-message'), problem, 'bad');
    if (!problem) announce(files.length === 1 ? `${files[0].name} comes with the question.` : `${files.length} files come with the question.`);
    this.draw();
  }

  remove(file) {
    this.chosen = this.chosen.filter(one => one !== file);
    say($('question-file-message'), '');
    this.draw();
    $('message').focus();
  }

  // Those that are asked with now; the next question begins without.
  take() {
    const taken = this.chosen;
    this.chosen = [];
    say($('question-file-message'), '');
    this.draw();
    return taken;
  }
}

function typeOf(file) {
  if (pictures.includes(file.type) || file.type === 'application/pdf' || texts.test(file.type)) return file.type;
  return textNames.test(file.name) ? 'text/plain' : null;
}

// As the host takes them.
export async function encoded(files) {
  return Promise.all(files.map(async file => ({ name: file.name, mediaType: typeOf(file), data: await base64(file) })));
}

function base64(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => failed(new Error(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}
