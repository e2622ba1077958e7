// Thumbs, with a note for those who have more to say.
import { call } from './calls.js';
import { announce, button, element, iconButton } from './dom.js';

export function thumbs(turn, conversation) {
  const note = element('div', { class: 'note' });
  const rate = async rating => {
    try {
      await call('POST', '/api/feedback', { turn, rating, conversation });
      up.setAttribute('aria-pressed', String(rating === 'up'));
      down.setAttribute('aria-pressed', String(rating === 'down'));
      note.replaceChildren(noteForm(turn, rating, conversation, note));
      announce('Thank you. You can add a note.');
    } catch (problem) {
      note.replaceChildren(element('p', { class: 'hint' }, problem.message));
    }
  };
  const up = iconButton('up', 'Good answer', () => rate('up'), { 'aria-pressed': 'false' });
  const down = iconButton('down', 'Bad answer', () => rate('down'), { 'aria-pressed': 'false' });
  return { buttons: [up, down], note };
}

function noteForm(turn, rating, conversation, box) {
  const words = element('input', { type: 'text', maxLength: 2000, placeholder: 'What was good or bad about it? (optional)', 'aria-label': 'Note about this answer' });
  const form = element('form', { class: 'inline' }, words, element('button', { type: 'submit', class: 'quiet' }, 'Send'),
    button('Close', () => box.replaceChildren(), { class: 'quiet' }));
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      if (words.value.trim()) await call('POST', '/api/feedback', { turn, rating, note: words.value.trim(), conversation });
      box.replaceChildren(element('p', { class: 'hint', role: 'status' }, 'Thank you.'));
    } catch (problem) {
      box.replaceChildren(element('p', { class: 'hint', role: 'status' }, problem.message));
    }
  });
  return form;
}
