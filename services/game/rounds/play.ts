/**
 * The game: starts rounds and judges hits. The server lights the cells, keeps the time and counts the points; the client
 * says which cell was tapped and nothing else. That stops forged scores, not a machine that plays like a person.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { type LitTarget, Round, type Verdict } from './round.ts';
import type { RoundStore } from './round-store.ts';
import type { createActionSigner, SignedAction } from './sign-action.ts';

export interface StartedRound extends LitTarget {
  readonly roundId: string;
  readonly remaining: number;
}

export interface HitInput {
  readonly cell: number;
  /** Which target is meant; makes a repeat of the same hit safe at any time. */
  readonly target: number | undefined;
}

export interface HitAnswer {
  readonly target: number;
  readonly hit: boolean;
  readonly reactionMs: number;
  /** What was earned; null for a miss. */
  readonly action: SignedAction | null;
  /** Null when the round is over. */
  readonly next: LitTarget | null;
  readonly remaining: number;
}

export interface Play {
  /** `holders` are those in whose name the round takes a place in memory. */
  start(userId: string, holders: readonly string[]): StartedRound;
  hit(userId: string, roundId: string, input: HitInput, requestId: string): Promise<HitAnswer>;
}

export interface PlayOptions {
  readonly rounds: RoundStore;
  readonly signAction: ReturnType<typeof createActionSigner>;
  readonly monotonicMs: () => number;
  readonly onStart: () => void;
  /** Called once a target. */
  readonly onJudged: (verdict: Verdict) => void;
}

const ROUND_ID_BYTES = 12;

export function createPlay({ rounds, signAction, monotonicMs, onStart, onJudged }: PlayOptions): Play {
  return {
    start(userId, holders) {
      const roundId = `r_${randomBytes(ROUND_ID_BYTES).toString('base64url')}`;
      const round = new Round({ roundId, monotonicMs, random: randomInt });
      rounds.add(userId, round, holders);
      onStart();
      const lit = round.lit();
      if (lit === undefined) throw new Error('a new round has no target');
      return { roundId, ...lit, remaining: round.remaining };
    },

    async hit(userId, roundId, { cell, target }, requestId) {
      const round = rounds.find(userId, roundId);
      const { remaining } = round;
      const outcome = round.judge(cell, target);
      if (round.remaining < remaining) onJudged(outcome.verdict);
      const isHit = outcome.verdict === 'hit';
      const action = isHit ? await signAction({ userId, roundId, outcome, requestId }) : null;
      // Only now, so that a hit without its signature is still the one that a retry means.
      round.proceed(outcome);
      return {
        target: outcome.target,
        hit: isHit,
        reactionMs: outcome.reactionMs,
        action,
        next: round.lit() ?? null,
        remaining: round.remaining,
      };
    },
  };
}
