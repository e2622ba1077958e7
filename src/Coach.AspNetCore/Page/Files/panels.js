// On narrow windows the conversations and the panels are behind a button each; one is open at a time.
import { $ } from './dom.js';

export class Panels {
  constructor() {
    this.pairs = [[$('open-left'), $('left')], [$('open-right'), $('right')]];
    for (const [opener, panel] of this.pairs) {
      opener.addEventListener('click', () => this.toggle(opener, panel));
      panel.querySelector('.close').addEventListener('click', () => this.close(true));
      panel.addEventListener('keydown', event => {
        if (event.key !== 'Escape' || !panel.classList.contains('open')) return;
        event.stopPropagation();
        this.close(true);
      });
    }
    $('shade').addEventListener('click', () => this.close(false));
  }

  toggle(opener, panel) {
    const isOpen = panel.classList.contains('open');
    this.close(false);
    if (isOpen) return;
    panel.classList.add('open');
    opener.setAttribute('aria-expanded', 'true');
    $('shade').hidden = false;
    panel.querySelector('.close').focus();
  }

  close(hasFocus) {
    for (const [opener, panel] of this.pairs) {
      if (!panel.classList.contains('open')) continue;
      panel.classList.remove('open');
      opener.setAttribute('aria-expanded', 'false');
      if (hasFocus) opener.focus();
    }
    $('shade').hidden = true;
  }
}
