/**
 * One round as a state machine over a monotonic clock: targets light up one after the other, and each is judged once, by
 * the first hit that names it. Between a judgement and `proceed` no target is lit, so the time that signing takes is
 * nobody's reaction time, and a hit that comes twice finds the first one's outcome.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { FASTEST_HUMAN_MS, pointsFor, TARGET_LIFETIME_MS } from './points.ts';

export const CELLS = 9;
export const TARGETS_PER_ROUND = 10;

export type Verdict = 'hit' | 'wrong_cell' | 'too_fast' | 'too_late';

/** What became of one target. */
export interface Outcome {
  /** The target's number within its round, from 0. */
  readonly target: number;
  readonly verdict: Verdict;
  /** Whole milliseconds from the target's sending to the hit's arrival. */
  readonly reactionMs: number;
  /** 0 unless it was a hit. */
  readonly points: number;
}

export interface LitTarget {
  readonly target: number;
  readonly cell: number;
  /** What is left of its time. */
  readonly expiresInMs: number;
}

export interface RoundOptions {
  readonly roundId: string;
  readonly monotonicMs: () => number;
  /** A whole number from 0 to below the limit, by chance that no player can foresee. */
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

  /** Targets that have not been judged. */
  get remaining(): number {
    return TARGETS_PER_ROUND - this.#outcomes.length;
  }

  /** The target that waits for a hit, or undefined while one is being settled and when the round is over. */
  lit(): LitTarget | undefined {
    if (this.#lit === undefined) return undefined;
    const { cell, litAtMs } = this.#lit;
    const leftMs = Math.max(0, TARGET_LIFETIME_MS - (this.#monotonicMs() - litAtMs));
    return { target: this.#outcomes.length, cell, expiresInMs: Math.ceil(leftMs) };
  }

  /**
   * Judges a hit. A target that was judged before keeps its outcome, whatever cell is named now. Without a number the hit
   * is meant for the lit target, or for the last one when none is lit.
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

  /** Lights the next target once the latest outcome is settled; nothing for an earlier one, or at the end. */
  proceed(settled: Outcome): void {
    if (this.#lit !== undefined || this.remaining === 0 || settled !== this.#outcomes.at(-1)) return;
    // Never the same cell twice in a row: a second tap must not hit by accident.
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
