/**
 * Ranks counted in Postgres while Redis is away. Counting reads the whole board, whether for one player or for hundreds, so one
 * count a board is under way at a time, and all who ask meanwhile share the next.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import { createPerBoard } from './per-board.ts';
import type { TruthStore } from './truth-store.ts';

/** Where a player stands: `rank` from 1, among so many `players`. */
export interface Standing {
  readonly rank: number;
  readonly players: number;
}

export interface TruthRanks {
  /**
   * Of players of one board, in order. Refuses with OVERLOADED when too many wait already, and with DEADLINE_EXCEEDED when
   * nobody waits any longer by the time that it is their turn.
   */
  of(leaderboard: string, players: readonly PlayerState[], patienceMs: number): Promise<Standing[]>;
}

const MAX_PLAYERS_PER_COUNT = 500;
/** Four counts' worth: who would wait for a fifth is better told at once. */
const MAX_WAITING = 2_000;

interface Asked {
  readonly player: PlayerState;
  /** On the monotonic clock. */
  readonly expiresAt: number;
}

export function createTruthRanks(truth: Pick<TruthStore, 'ranks'>): TruthRanks {
  const counterOf = createPerBoard((leaderboard) =>
    createCoalescer<Asked, Standing>({
      maxBatch: MAX_PLAYERS_PER_COUNT,
      maxInFlight: 1,
      maxQueue: MAX_WAITING,
      lapsed: ({ expiresAt }) =>
        expiresAt <= performance.now() ? new AppError('DEADLINE_EXCEEDED') : undefined,
      send: async (asked) => {
        const { ranks, players } = await truth.ranks(
          leaderboard,
          asked.map(({ player }) => player),
        );
        return ranks.map((rank) => ({ rank, players }));
      },
    }),
  );
  return {
    async of(leaderboard, players, patienceMs) {
      const expiresAt = performance.now() + patienceMs;
      const asked = players.map((player) => ({ player, expiresAt }));
      const standings = await counterOf(leaderboard).submitAll(asked);
      return standings.map((standing) => {
        if (standing instanceof Error) throw standing;
        return standing;
      });
    },
  };
}
