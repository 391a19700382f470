/**
 * The card with the player's own place. Places arrive from socket frames, boards, answers to submissions and the edge's
 * /me route, in any order.
 */
import type { BoardEntry } from '../client/frames.js';
import { numberFormat } from '../element/board-row.js';
import { CountUp } from '../element/count-up.js';
import { describeChase, newerPlace, type Place } from './place.js';

export interface RankCardElements {
  readonly rank: HTMLElement;
  readonly score: HTMLElement;
  readonly chase: HTMLElement;
  readonly pending: HTMLElement;
}

const format = (value: number) => numberFormat.format(value);

export class RankCard {
  readonly #elements: RankCardElements;
  readonly #counter: CountUp;
  #place: Place | undefined;
  #neighbours: readonly BoardEntry[] = [];
  /** The score in the own row of the board, which the card repeats; undefined while the board is not live. */
  #shownInRow: number | undefined;

  constructor(elements: RankCardElements) {
    this.#elements = elements;
    this.#counter = new CountUp((score) => this.#showScore(score));
    this.clear();
  }

  /** The newest place; undefined before the first. */
  get place(): Place | undefined {
    return this.#place;
  }

  clear(): void {
    this.#place = undefined;
    this.#shownInRow = undefined;
    this.#neighbours = [];
    this.#counter.set(0);
    this.#elements.rank.hidden = true;
    this.#elements.chase.textContent = 'Your first hit puts you on the board.';
    this.showPending(0);
  }

  show(offered: Place): void {
    const before = this.#place;
    const place = newerPlace(before, offered);
    if (place !== before) this.#take(place);
  }

  /** Takes a place that may be worse than the one before, because an operator has corrected the score. */
  correct(place: Place): void {
    this.#take({ score: place.score, rank: place.rank ?? this.#place?.rank });
  }

  #take(place: Place): void {
    const before = this.#place;
    this.#place = place;
    this.#elements.rank.hidden = place.rank === undefined;
    if (place.rank !== undefined) this.#elements.rank.textContent = `#${format(place.rank)}`;
    if (this.#shownInRow === undefined) this.#count(place.score, before !== undefined);
    this.#showChase();
  }

  /** Takes the score that the own row shows, so that both agree while they count up; undefined if the row is not current. */
  followRow(shown: number | undefined): void {
    if (shown === undefined && this.#shownInRow === undefined) return;
    this.#shownInRow = shown;
    this.#counter.set(shown ?? this.#place?.score ?? 0);
  }

  #count(score: number, isChange: boolean): void {
    if (isChange && document.visibilityState === 'visible') this.#counter.runTo(score);
    else this.#counter.set(score);
  }

  #showScore(score: number): void {
    this.#elements.score.textContent = `${format(score)} ${score === 1 ? 'point' : 'points'}`;
  }

  /** Takes the players around this one, from a board or from the edge. */
  showNeighbours(entries: readonly BoardEntry[]): void {
    this.#neighbours = entries;
    this.#showChase();
  }

  #showChase(): void {
    if (this.#place === undefined) return;
    this.#elements.chase.textContent = describeChase(this.#place, this.#neighbours, format);
  }

  /** Points that the server has not confirmed are never shown as scored. */
  showPending(points: number): void {
    this.#elements.pending.hidden = points === 0;
    this.#elements.pending.textContent = points === 0 ? '' : `${format(points)} being saved…`;
  }
}
