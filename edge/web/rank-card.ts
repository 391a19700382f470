/**
 * The player's own place. News reaches it on four ways (frames, boards, answers, the edge's /me) in any order; a score
 * never shrinks, so the greater one is the newer one.
 */
import { numberFormat } from './board-row.js';
import { CountUp } from './count-up.js';
import type { BoardEntry } from './frames.js';

export interface RankCardElements {
  readonly rank: HTMLElement;
  readonly score: HTMLElement;
  readonly chase: HTMLElement;
  readonly pending: HTMLElement;
}

export interface Place {
  readonly score: number;
  readonly rank: number;
}

export class RankCard {
  readonly #elements: RankCardElements;
  readonly #counter: CountUp;
  #place: Place | undefined;
  #neighbours: readonly BoardEntry[] = [];

  constructor(elements: RankCardElements) {
    this.#elements = elements;
    this.#counter = new CountUp((score) => {
      elements.score.textContent = `${numberFormat.format(score)} ${score === 1 ? 'point' : 'points'}`;
    });
    this.clear();
  }

  clear(): void {
    this.#place = undefined;
    this.#neighbours = [];
    this.#counter.set(0);
    this.#elements.rank.hidden = true;
    this.#elements.chase.textContent = 'Your first hit puts you on the board.';
    this.showPending(0);
  }

  get place(): Place | undefined {
    return this.#place;
  }

  show(place: Place): void {
    const before = this.#place;
    if (before !== undefined && place.score < before.score) return;
    this.#place = place;
    this.#elements.rank.hidden = false;
    this.#elements.rank.textContent = `#${numberFormat.format(place.rank)}`;
    if (before === undefined || document.visibilityState !== 'visible') this.#counter.set(place.score);
    else this.#counter.runTo(place.score);
    this.#showChase();
  }

  /** Whoever is near the player, from a board or from the edge. */
  showNeighbours(entries: readonly BoardEntry[]): void {
    this.#neighbours = entries;
    this.#showChase();
  }

  /** Says how far the next player is, when that player is known. */
  #showChase(): void {
    const place = this.#place;
    if (place === undefined) return;
    const above = this.#neighbours.find((entry) => entry.rank === place.rank - 1);
    this.#elements.chase.textContent = place.rank === 1 ? 'You lead the board.' : chaseWords(place, above);
  }

  /** Points that the server has not confirmed yet are never shown as scored. */
  showPending(points: number): void {
    this.#elements.pending.hidden = points === 0;
    this.#elements.pending.textContent = points === 0 ? '' : `${numberFormat.format(points)} being saved…`;
  }
}

function chaseWords(place: Place, above: BoardEntry | undefined): string {
  if (above === undefined || above.score < place.score) return '';
  const gap = above.score - place.score;
  return `${gap === 0 ? 'Level with' : `${numberFormat.format(gap)} behind`} ${above.username}`;
}
