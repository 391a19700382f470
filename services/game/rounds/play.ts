/**
 * The game: starts rounds and judges hits. The server lights the cells, measures the time and counts the points; the
 * client only says which cell was tapped. This prevents forged scores, but not a bot that plays like a person.
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
  /** The target that the player saw. With it, a hit can be repeated safely at any time. */
  readonly target: number | undefined;
}

export interface HitAnswer {
  readonly target: number;
  readonly hit: boolean;
  readonly reactionMs: number;
  /** The signed action that the client submits; null for a miss. */
  readonly action: SignedAction | null;
  /** Null after the last target. */
  readonly next: LitTarget | null;
  readonly remaining: number;
}

export interface PlayOptions {
  readonly rounds: RoundStore;
  readonly signAction: ReturnType<typeof createActionSigner>;
  readonly monotonicMs: () => number;
  readonly onStart: () => void;
  /** Called once per target. */
  readonly onJudged: (verdict: Verdict) => void;
}

const ROUND_ID_BYTES = 12;

export type Play = ReturnType<typeof createPlay>;

export function createPlay({ rounds, signAction, monotonicMs, onStart, onJudged }: PlayOptions) {
  return {
    /** Starts a round. It counts against the shares of these holders of memory. */
    start(userId: string, holders: readonly string[]): StartedRound {
      const roundId = `r_${randomBytes(ROUND_ID_BYTES).toString('base64url')}`;
      const round = new Round({ roundId, monotonicMs, random: randomInt });
      rounds.add(userId, round, holders);
      onStart();
      const lit = round.lit();
      if (lit === undefined) throw new Error('a new round has no target');
      return { roundId, ...lit, remaining: round.remaining };
    },

    /** Judges a hit and signs what it earned. Repeating the call returns the same outcome. */
    async hit(
      userId: string,
      roundId: string,
      { cell, target }: HitInput,
      requestId: string,
    ): Promise<HitAnswer> {
      const round = rounds.find(userId, roundId);
      const { remaining } = round;
      const outcome = round.judge(cell, target);
      if (round.remaining < remaining) onJudged(outcome.verdict);
      const isHit = outcome.verdict === 'hit';
      const action = isHit ? await signAction({ userId, roundId, outcome, requestId }) : null;
      // After signing: if signing fails, the round has not moved on and the client can repeat the hit.
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
