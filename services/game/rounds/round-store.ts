/**
 * The rounds that are being played, at most one a player: a new one ends the old. In memory only, since nothing is lost
 * with it but a round: whatever was earned left with its signature.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createShares } from '../../shared/net/shares.ts';
import type { Round } from './round.ts';

export interface RoundStore {
  /**
   * Makes this the player's round, in the name of these holders. Refuses with OVERLOADED when there are too many in all, or too
   * many of theirs; the player's old round has ended by then.
   */
  add(userId: string, round: Round, holders: readonly string[]): void;
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
  readonly giveBack: () => void;
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
  const shares = createShares(maxRounds);
  const isOver = ({ usedAtMs }: Entry) => monotonicMs() - usedAtMs > ROUND_IDLE_LIMIT_MS;

  /** Moves the entry to the end of the line. */
  function use(userId: string, entry: Omit<Entry, 'usedAtMs'>): void {
    entries.delete(userId);
    entries.set(userId, { ...entry, usedAtMs: monotonicMs() });
  }

  function drop(userId: string): void {
    entries.get(userId)?.giveBack();
    entries.delete(userId);
  }

  function dropIdle(): void {
    for (const [userId, entry] of entries) {
      if (!isOver(entry)) return;
      drop(userId);
    }
  }

  return {
    add(userId, round, holders) {
      dropIdle();
      drop(userId);
      const giveBack = shares.take(holders);
      if (giveBack === undefined) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      use(userId, { round, giveBack });
    },
    find(userId, roundId) {
      const entry = entries.get(userId);
      if (entry === undefined || entry.round.roundId !== roundId || isOver(entry)) {
        throw new AppError('ROUND_NOT_FOUND');
      }
      use(userId, entry);
      return entry.round;
    },
    get size() {
      return entries.size;
    },
  };
}
