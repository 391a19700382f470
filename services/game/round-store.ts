/**
 * The rounds that are being played, at most one a player: a new one ends the old. In memory only, since nothing is lost
 * with it but a round: whatever was earned left with its signature.
 */
import { AppError } from '../shared/app-error.ts';
import type { Round } from './round.ts';

export interface RoundStore {
  /** Makes this the player's round. Refuses with OVERLOADED when there are too many. */
  add(userId: string, round: Round): void;
  /** The player's own round of this id; ROUND_NOT_FOUND when it is over, forgotten, or somebody else's. */
  find(userId: string, roundId: string): Round;
  readonly size: number;
}

/** Some 10 to 20 MB. */
const MAX_ROUNDS = 10_000;
/** Longer than a client retries; whoever has left by then starts anew. */
export const ROUND_IDLE_LIMIT_MS = 60_000;
/** Rounds end all the time, so a full store has room again soon. */
const RETRY_AFTER_MS = 1_000;

interface Entry {
  readonly round: Round;
  readonly usedAtMs: number;
}

export function createRoundStore({
  monotonicMs,
  maxRounds = MAX_ROUNDS,
}: {
  monotonicMs: () => number;
  maxRounds?: number;
}): RoundStore {
  /** In the order of last use. */
  const entries = new Map<string, Entry>();
  const isOver = ({ usedAtMs }: Entry) => monotonicMs() - usedAtMs > ROUND_IDLE_LIMIT_MS;

  function use(userId: string, round: Round): void {
    entries.delete(userId);
    entries.set(userId, { round, usedAtMs: monotonicMs() });
  }

  function dropIdle(): void {
    for (const [userId, entry] of entries) {
      if (!isOver(entry)) return;
      entries.delete(userId);
    }
  }

  return {
    add(userId, round) {
      dropIdle();
      if (entries.size >= maxRounds && !entries.has(userId)) {
        throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      }
      use(userId, round);
    },
    find(userId, roundId) {
      const entry = entries.get(userId);
      if (entry === undefined || entry.round.roundId !== roundId || isOver(entry)) {
        throw new AppError('ROUND_NOT_FOUND');
      }
      use(userId, entry.round);
      return entry.round;
    },
    get size() {
      return entries.size;
    },
  };
}
