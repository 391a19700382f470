/**
 * The rounds in progress, at most one per player: a new round ends the old one. Kept in memory only, because a restart
 * loses the round and no points: each hit was signed and handed out when it happened.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createShares } from '../../shared/net/shares.ts';
import type { Round } from './round.ts';

/** 10 to 20 MB. */
const MAX_ROUNDS = 10_000;
/** Longer than a client retries a hit. */
export const ROUND_IDLE_LIMIT_MS = 60_000;
/** Rounds last some ten seconds, so a full store soon has room again. */
const RETRY_AFTER_MS = 1_000;

interface Entry {
  readonly round: Round;
  readonly usedAtMs: number;
  readonly giveBack: () => void;
}

export type RoundStore = ReturnType<typeof createRoundStore>;

export function createRoundStore({
  monotonicMs,
  maxRounds = MAX_ROUNDS,
}: {
  monotonicMs: () => number;
  maxRounds?: number;
}) {
  /** By user id, least recently used first. */
  const entries = new Map<string, Entry>();
  const shares = createShares(maxRounds);
  const isOver = ({ usedAtMs }: Entry) => monotonicMs() - usedAtMs > ROUND_IDLE_LIMIT_MS;

  /** Moves the entry to the end of the map. */
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
    /**
     * Replaces the player's round. Refuses with OVERLOADED if all places, or the shares of these holders, are taken; the
     * player's old round has ended even then.
     */
    add(userId: string, round: Round, holders: readonly string[]): void {
      dropIdle();
      drop(userId);
      const giveBack = shares.take(holders);
      if (giveBack === undefined) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      use(userId, { round, giveBack });
    },
    /** The player's round with this id. Refuses with ROUND_NOT_FOUND if it is over, expired or another player's. */
    find(userId: string, roundId: string): Round {
      const entry = entries.get(userId);
      if (entry === undefined || entry.round.roundId !== roundId || isOver(entry)) {
        throw new AppError('ROUND_NOT_FOUND');
      }
      use(userId, entry);
      return entry.round;
    },
    get size(): number {
      return entries.size;
    },
  };
}
