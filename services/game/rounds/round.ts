/**
 * One round as a state machine over a monotonic clock. Targets light up one after the other, and the first hit that names
 * a target decides its outcome. From then until `proceed` no target is lit, so signing time is not counted as reaction
 * time. A repeated hit gets the outcome of the first.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { FASTEST_HUMAN_MS, pointsFor, TARGET_LIFETIME_MS } from './points.ts';

export const CELLS = 9;
export const TARGETS_PER_ROUND = 10;

export type Verdict = 'hit' | 'wrong_cell' | 'too_fast' | 'too_late';

/** How one target was judged. */
export interface Outcome {
  /** The target's number within its round, from 0. */
  readonly target: number;
  readonly verdict: Verdict;
  /** Whole milliseconds from sending the target to receiving the hit. */
  readonly reactionMs: number;
  /** 0 for anything but a hit. */
  readonly points: number;
}

export interface LitTarget {
  readonly target: number;
  readonly cell: number;
  readonly expiresInMs: number;
}

export interface RoundOptions {
  readonly roundId: string;
  readonly monotonicMs: () => number;
  /** An unpredictable whole number from 0 to below the limit. */
  readonly random: (limit: number) => number;
}

export class Round {
  readonly roundId: string;
  readonly #monotonicMs: () => number;
  readonly #random: (limit: number) => number;
  readonly #outcomes: Outcome[] = [];
  #lit: { readonly cell: number; readonly litAtMs: number } | undefined;
  #previousCell = 0;
  #streak = 0;

  constructor({ roundId, monotonicMs, random }: RoundOptions) {
    this.roundId = roundId;
    this.#monotonicMs = monotonicMs;
    this.#random = random;
    this.#light(random(CELLS));
  }

  /** Targets not judged yet. */
  get remaining(): number {
    return TARGETS_PER_ROUND - this.#outcomes.length;
  }

  /** The lit target; undefined between a judgement and `proceed`, and after the last target. */
  lit(): LitTarget | undefined {
    if (this.#lit === undefined) return undefined;
    const { cell, litAtMs } = this.#lit;
    const leftMs = Math.max(0, TARGET_LIFETIME_MS - (this.#monotonicMs() - litAtMs));
    return { target: this.#outcomes.length, cell, expiresInMs: Math.ceil(leftMs) };
  }

  /**
   * Judges a hit. A target that was judged before keeps its outcome, whatever the cell. Without `target` the hit counts
   * for the lit target, or for the last judged one if none is lit.
   */
  judge(cell: number, target?: number): Outcome {
    const judged = this.#outcomes.length;
    const meant = target ?? (this.#lit === undefined ? judged - 1 : judged);
    const known = this.#outcomes[meant];
    if (known !== undefined) return known;
    if (this.#lit === undefined || meant !== judged) throw new AppError('TARGET_INVALID');
    const elapsedMs = this.#monotonicMs() - this.#lit.litAtMs;
    const verdict = verdictOn(elapsedMs, cell === this.#lit.cell);
    const outcome = {
      target: meant,
      verdict,
      reactionMs: Math.round(elapsedMs),
      points: verdict === 'hit' ? pointsFor(elapsedMs, this.#streak) : 0,
    };
    this.#streak = verdict === 'hit' ? this.#streak + 1 : 0;
    this.#previousCell = this.#lit.cell;
    this.#lit = undefined;
    this.#outcomes.push(outcome);
    return outcome;
  }

  /** Lights the next target. Does nothing unless `settled` is the latest outcome and targets remain. */
  proceed(settled: Outcome): void {
    if (this.#lit !== undefined || this.remaining === 0 || settled !== this.#outcomes.at(-1)) return;
    // Never the same cell twice in a row, so that a double tap does not hit by accident.
    this.#light((this.#previousCell + 1 + this.#random(CELLS - 1)) % CELLS);
  }

  #light(cell: number): void {
    this.#lit = { cell, litAtMs: this.#monotonicMs() };
  }
}

function verdictOn(elapsedMs: number, isRightCell: boolean): Verdict {
  if (elapsedMs > TARGET_LIFETIME_MS) return 'too_late';
  if (!isRightCell) return 'wrong_cell';
  return elapsedMs < FASTEST_HUMAN_MS ? 'too_fast' : 'hit';
}
