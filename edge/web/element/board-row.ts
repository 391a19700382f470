/** One row of the board. Data reaches the page as text only. */

import type { BoardEntry } from '../client/frames.js';
import { CountUp } from './count-up.js';
import { createElement } from './elements.js';
import type { ScoreFormat } from './score-format.js';
import { fill, type Words } from './words.js';

/** How long "▲ 2" stays: long enough to notice, short enough to mean "just now". */
const MARK_SHOWN_MS = 6_000;

export const numberFormat = new Intl.NumberFormat(document.documentElement.lang || undefined);

export interface RowOptions {
  /** How much of the bar is full, from 0 to 1. */
  readonly share: number;
  readonly own: boolean;
  readonly animated: boolean;
  /** Tells the player from another one with the same name; empty if there is none. */
  readonly tag: string;
  readonly words: Words;
  readonly format: ScoreFormat;
}

const part = (name: string, attributes: Readonly<Record<string, string>> = {}) => ({
  class: name,
  part: name,
  ...attributes,
});

export class BoardRow {
  readonly element = createElement('li', part('row'));
  readonly #rank = createElement('span', part('rank'));
  readonly #name = createElement('bdi', part('name'));
  readonly #tag = createElement('bdi', part('tag'));
  readonly #you = createElement('span', part('you'));
  readonly #mark = createElement('span', part('mark'));
  readonly #score = createElement('span', part('score'));
  readonly #bar = createElement('span', part('bar', { 'aria-hidden': 'true' }));
  readonly #counter: CountUp;
  #format: ScoreFormat = String;
  #entry: BoardEntry | undefined;
  #markTimer: ReturnType<typeof setTimeout> | undefined;

  /** `onScore` is called with each score that the row shows, also while it counts up. */
  constructor(onScore: (entry: BoardEntry, shown: number) => void) {
    const player = createElement('span', { class: 'player' });
    player.append(this.#name, this.#tag, this.#you, this.#mark);
    this.element.append(this.#rank, player, this.#score, this.#bar);
    this.#counter = new CountUp((value) => {
      this.#score.textContent = this.#format(value);
      if (this.#entry !== undefined) onScore(this.#entry, value);
    });
  }

  update(entry: BoardEntry, { share, own, animated, tag, words, format }: RowOptions): void {
    const before = this.#entry;
    const isSameFormat = format === this.#format;
    this.#entry = entry;
    this.#format = format;
    const isLeader = entry.rank === 1;
    this.element.dataset.userId = entry.userId;
    this.element.classList.toggle('own', own);
    this.element.classList.toggle('leader', isLeader);
    this.element.setAttribute(
      'part',
      ['row', ...(own ? ['own'] : []), ...(isLeader ? ['leader'] : [])].join(' '),
    );
    this.#rank.textContent = numberFormat.format(entry.rank);
    this.#name.textContent = entry.username || words.you;
    this.#name.title = entry.username;
    this.#tag.textContent = tag;
    this.#tag.hidden = tag === '';
    this.#you.textContent = words.you;
    this.#you.hidden = !own || entry.username === '';
    this.#bar.style.setProperty('--share', share.toFixed(4));
    if (before !== undefined && animated && isSameFormat) this.#counter.runTo(entry.score);
    else this.#counter.set(entry.score);
    if (before !== undefined && before.rank !== entry.rank) this.#showMark(before.rank - entry.rank, words);
  }

  dispose(): void {
    clearTimeout(this.#markTimer);
    this.#counter.set(this.#entry?.score ?? 0);
  }

  #showMark(places: number, words: Words): void {
    const up = places > 0;
    const distance = Math.abs(places);
    const arrow = createElement('span', { 'aria-hidden': 'true' }, `${up ? '▲' : '▼'}\u2009${distance}`);
    const spoken = fill(up ? words.up : words.down, { count: distance });
    this.#mark.className = `mark ${up ? 'up' : 'down'}`;
    this.#mark.setAttribute('part', this.#mark.className);
    this.#mark.replaceChildren(arrow, createElement('span', { class: 'unseen' }, spoken));
    clearTimeout(this.#markTimer);
    this.#markTimer = setTimeout(() => this.#mark.replaceChildren(), MARK_SHOWN_MS);
  }
}
