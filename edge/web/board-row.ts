/** One place on the board as an element. Data reaches the page as text only. */
import { CountUp } from './count-up.js';
import { createElement } from './elements.js';
import type { BoardEntry } from './frames.js';

/** How long "▲ 2" stays: long enough to find it, short enough to mean "just now". */
const MARK_SHOWN_MS = 6_000;

export const numberFormat = new Intl.NumberFormat(document.documentElement.lang || undefined);

export class BoardRow {
  readonly element = createElement('li', { class: 'row', part: 'row' });
  readonly #rank = createElement('span', { class: 'rank' });
  readonly #name = createElement('bdi', { class: 'name' });
  readonly #you = createElement('span', { class: 'you' }, 'You');
  readonly #mark = createElement('span', { class: 'mark' });
  readonly #score = createElement('span', { class: 'score' });
  readonly #bar = createElement('span', { class: 'bar', 'aria-hidden': 'true' });
  readonly #counter = new CountUp((value) => {
    this.#score.textContent = numberFormat.format(value);
  });
  #entry: BoardEntry | undefined;
  #markTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const player = createElement('span', { class: 'player' });
    player.append(this.#name, this.#you, this.#mark);
    this.element.append(this.#rank, player, this.#score, this.#bar);
    this.#you.hidden = true;
  }

  update(entry: BoardEntry, options: { leaderScore: number; own: boolean; animated: boolean }): void {
    const before = this.#entry;
    this.#entry = entry;
    this.element.dataset.userId = entry.userId;
    this.element.classList.toggle('own', options.own);
    this.element.classList.toggle('leader', entry.rank === 1);
    this.#rank.textContent = String(entry.rank);
    this.#name.textContent = entry.username;
    this.#name.title = entry.username;
    this.#you.hidden = !options.own;
    const share = options.leaderScore === 0 ? 0 : entry.score / options.leaderScore;
    this.#bar.style.setProperty('--share', share.toFixed(4));
    if (before !== undefined && options.animated) this.#counter.runTo(entry.score);
    else this.#counter.set(entry.score);
    if (before !== undefined && before.rank !== entry.rank) this.#showMark(before.rank - entry.rank);
  }

  dispose(): void {
    clearTimeout(this.#markTimer);
    this.#counter.set(this.#entry?.score ?? 0);
  }

  #showMark(places: number): void {
    const up = places > 0;
    const distance = Math.abs(places);
    const arrow = createElement('span', { 'aria-hidden': 'true' }, `${up ? '▲' : '▼'}\u2009${distance}`);
    const words = `${up ? 'up' : 'down'} ${distance} ${distance === 1 ? 'place' : 'places'}`;
    this.#mark.className = `mark ${up ? 'up' : 'down'}`;
    this.#mark.replaceChildren(arrow, createElement('span', { class: 'unseen' }, words));
    clearTimeout(this.#markTimer);
    this.#markTimer = setTimeout(() => this.#mark.replaceChildren(), MARK_SHOWN_MS);
  }
}
