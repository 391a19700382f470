/**
 * The list of places. Rows belong to players and move to their new place (First, Last, Invert, Play): the eye can follow
 * who overtook whom. Free places are drawn as empty rows, so the page never jumps when somebody joins.
 */
import { BoardRow } from './board-row.js';
import { createElement } from './elements.js';
import type { Board } from './frames.js';

const PLACES = 10;
const MOVE: KeyframeAnimationOptions = { duration: 500, easing: 'cubic-bezier(0.2, 0, 0, 1)' };
const ENTER_FROM: Keyframe[] = [{ opacity: 0, transform: 'translateY(1rem)' }, { opacity: 1 }];
const ENTER: KeyframeAnimationOptions = { duration: 350, easing: 'ease-out' };

export class BoardRows {
  readonly element = createElement('ol', { class: 'rows', part: 'rows', role: 'list' });
  readonly #rows = new Map<string, BoardRow>();
  readonly #free: HTMLLIElement[] = [];

  constructor() {
    for (let place = 1; place <= PLACES; place += 1) {
      const free = createElement('li', { class: 'row free', 'aria-hidden': 'true' });
      const rank = createElement('span', { class: 'rank' }, String(place));
      free.append(
        rank,
        createElement('span', { class: 'player' }),
        createElement('span', { class: 'score' }, '–'),
      );
      this.#free.push(free);
    }
    this.element.append(...this.#free);
  }

  render(board: Board, options: { highlight: string | undefined; animated: boolean }): void {
    const topsBefore = options.animated ? this.#tops() : undefined;
    const leaderScore = board.entries[0]?.score ?? 0;
    const present = new Set<string>();
    const ordered: HTMLElement[] = [];
    for (const entry of board.entries) {
      present.add(entry.userId);
      const row = this.#rows.get(entry.userId) ?? new BoardRow();
      this.#rows.set(entry.userId, row);
      const own = entry.userId === options.highlight;
      row.update(entry, { leaderScore, own, animated: options.animated });
      ordered.push(row.element);
    }
    this.#removeAbsent(present);
    this.#arrange([...ordered, ...this.#free.slice(ordered.length)]);
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

  /** Touches only what is not in its place already, so that running animations and selections survive. */
  #arrange(elements: readonly HTMLElement[]): void {
    const wanted = new Set<Element>(elements);
    for (const child of [...this.element.children]) if (!wanted.has(child)) child.remove();
    elements.forEach((element, index) => {
      const there = this.element.children[index];
      if (there !== element) this.element.insertBefore(element, there ?? null);
    });
  }

  /** Where each row is on the screen now, in the middle of a movement too. */
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

/** From `offset` pixels off its place to its place. A moving row is opaque, and the one that rises passes in front. */
function move(element: HTMLElement, offset: number): void {
  element.classList.add('moving');
  element.classList.toggle('rising', offset > 0);
  const animation = element.animate([{ transform: `translateY(${offset}px)` }, { transform: 'none' }], MOVE);
  animation.addEventListener('finish', () => element.classList.remove('moving', 'rising'));
}
