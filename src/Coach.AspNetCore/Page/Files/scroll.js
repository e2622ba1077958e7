// What is read keeps its place: the end is followed only by somebody who is there.
const near = 48;

export class Follower {
  constructor(log, toEnd) {
    Object.assign(this, { log, toEnd, isAtEnd: true });
    const look = () => this.look();
    log.addEventListener('scroll', look, { passive: true });
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look, { passive: true });
    toEnd.addEventListener('click', () => this.jump());
  }

  // Where windows are low, as at 400 %, the page scrolls and not the log.
  get box() {
    return getComputedStyle(this.log).overflowY === 'auto' ? this.log : document.scrollingElement;
  }

  look() {
    const { box } = this;
    this.isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < near;
    this.toEnd.hidden = this.isAtEnd;
  }

  follow() {
    if (this.isAtEnd) this.jump();
    else this.look();
  }

  jump() {
    const { box } = this;
    box.scrollTop = box.scrollHeight;
    this.isAtEnd = true;
    this.toEnd.hidden = true;
  }
}
