/**
 * The rows of the board. A row belongs to a player and moves to its new place (First, Last, Invert, Play), so the eye can
 * follow who overtook whom. Free places are empty rows, so the page does not jump when a player joins.
 */

import type { Board, BoardEntry } from '../client/frames.js';
import { BoardRow, numberFormat } from './board-row.js';
import { createElement } from './elements.js';
import type { ScoreFormat } from './score-format.js';
import { barShares, entryBelow, type Own, tagsOf } from './shown-entries.js';
import { fill, type Words } from './words.js';

const MOVE: KeyframeAnimationOptions = { duration: 500, easing: 'cubic-bezier(0.2, 0, 0, 1)' };
const ENTER_FROM: Keyframe[] = [{ opacity: 0, transform: 'translateY(1rem)' }, { opacity: 1 }];
const ENTER: KeyframeAnimationOptions = { duration: 350, easing: 'ease-out' };

export interface RowsOptions {
  readonly own: Own | undefined;
  /** Places of the board, from 1 to 100. */
  readonly rows: number;
  /** Whether free places are rows, too. */
  readonly showsFree: boolean;
  /** Whether the own place is shown if it is below the others. */
  readonly showsOwn: boolean;
  readonly animated: boolean;
  readonly words: Words;
  readonly format: ScoreFormat;
}

export class BoardRows {
  readonly element = createElement('ol', { class: 'rows', part: 'rows', role: 'list' });
  readonly #rows = new Map<string, BoardRow>();
  readonly #free: HTMLLIElement[] = [];
  readonly #gap = createElement('li', { class: 'gap', part: 'gap' });
  readonly #onScore: (entry: BoardEntry, shown: number) => void;

  /** `onScore` is called with each score that a row shows. */
  constructor(onScore: (entry: BoardEntry, shown: number) => void) {
    this.#onScore = onScore;
  }

  /** The rows of free places from 1 on, made on first use. */
  #freeRows(rows: number): HTMLLIElement[] {
    while (this.#free.length < rows) {
      const place = String(this.#free.length + 1);
      const free = createElement('li', { class: 'row free', part: 'row free', 'aria-hidden': 'true' });
      free.append(
        createElement('span', { class: 'rank', part: 'rank' }, place),
        createElement('span', { class: 'player' }),
        createElement('span', { class: 'score', part: 'score' }, '–'),
      );
      this.#free.push(free);
    }
    return this.#free.slice(0, rows);
  }

  render(board: Pick<Board, 'entries'>, options: RowsOptions): void {
    const { own, rows, showsFree, showsOwn, animated, words, format } = options;
    const topsBefore = animated ? this.#tops() : undefined;
    const shown = board.entries.slice(0, rows);
    const below = showsOwn && own !== undefined ? entryBelow(board.entries, shown, own) : undefined;
    const all = below === undefined ? shown : [...shown, below];
    const [shareOf, tags] = [barShares(board.entries), tagsOf(all)];
    const elements: HTMLElement[] = all.map((entry) => {
      const row = this.#rows.get(entry.userId) ?? new BoardRow(this.#onScore);
      this.#rows.set(entry.userId, row);
      const isOwn = entry.userId === own?.userId;
      const share = shareOf(entry.score);
      row.update(entry, { share, own: isOwn, animated, tag: tags.get(entry.userId) ?? '', words, format });
      return row.element;
    });
    if (showsFree) elements.splice(shown.length, 0, ...this.#freeRows(rows).slice(shown.length));
    const between = below === undefined ? 0 : below.rank - shown.length - 1;
    if (between > 0) {
      this.#gap.textContent = fill(words.between, { count: numberFormat.format(between) });
      elements.splice(-1, 0, this.#gap);
    }
    this.#removeAbsent(new Set(all.map(({ userId }) => userId)));
    this.#arrange(elements);
    if (topsBefore !== undefined) this.#play(topsBefore);
  }

  dispose(): void {
    for (const row of this.#rows.values()) row.dispose();
  }

  #removeAbsent(present: ReadonlySet<string>): void {
    for (const [userId, row] of this.#rows) {
      if (present.has(userId)) continue;
      row.dispose();
      this.#rows.delete(userId);
    }
  }

  /** Moves only elements that are out of place, so that running animations and selections survive. */
  #arrange(elements: readonly HTMLElement[]): void {
    const wanted = new Set<Element>(elements);
    for (const child of [...this.element.children]) if (!wanted.has(child)) child.remove();
    elements.forEach((element, index) => {
      const there = this.element.children[index];
      if (there !== element) this.element.insertBefore(element, there ?? null);
    });
  }

  /** Where each row is on the screen now, also during an animation. */
  #tops(): Map<string, number> {
    const origin = this.element.getBoundingClientRect().top;
    const tops = new Map<string, number>();
    for (const [userId, row] of this.#rows) {
      tops.set(userId, row.element.getBoundingClientRect().top - origin);
    }
    return tops;
  }

  #play(topsBefore: ReadonlyMap<string, number>): void {
    for (const row of this.#rows.values()) {
      for (const animation of row.element.getAnimations()) animation.cancel();
    }
    for (const [userId, top] of this.#tops()) {
      const element = this.#rows.get(userId)?.element;
      if (element === undefined) continue;
      const before = topsBefore.get(userId);
      if (before === undefined) element.animate(ENTER_FROM, ENTER);
      else if (Math.abs(before - top) >= 1) move(element, before - top);
    }
  }
}

/** Animates a row from `offset` pixels away to its place. A moving row is opaque, and a rising one passes in front. */
function move(element: HTMLElement, offset: number): void {
  element.classList.add('moving');
  element.classList.toggle('rising', offset > 0);
  const animation = element.animate([{ transform: `translateY(${offset}px)` }, { transform: 'none' }], MOVE);
  animation.addEventListener('finish', () => element.classList.remove('moving', 'rising'));
}
