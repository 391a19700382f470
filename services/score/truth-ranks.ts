/**
 * Ranks counted in Postgres while Redis is away. Counting reads the whole board, whether for one player or for hundreds, so one
 * count a board is under way at a time, and all who ask meanwhile share the next.
 */
import { createCoalescer } from '../shared/coalescer.ts';
import type { PlayerState } from './board.ts';
import { createPerBoard } from './per-board.ts';
import type { TruthStore } from './truth-store.ts';

/** Where a player stands: `rank` from 1, among so many `players`. */
export interface Standing {
  readonly rank: number;
  readonly players: number;
}

export interface TruthRanks {
  /** Of players of one board, in order. Refuses with OVERLOADED when too many wait already. */
  of(leaderboard: string, players: readonly PlayerState[]): Promise<Standing[]>;
}

const MAX_PLAYERS_PER_COUNT = 500;
/** Two counts' worth: who would wait for a third is better told at once. */
const MAX_WAITING = 2_000;

export function createTruthRanks(truth: Pick<TruthStore, 'ranks'>): TruthRanks {
  const counterOf = createPerBoard((leaderboard) =>
    createCoalescer<PlayerState, Standing>({
      maxBatch: MAX_PLAYERS_PER_COUNT,
      maxInFlight: 1,
      maxQueue: MAX_WAITING,
      send: async (asked) => {
        const { ranks, players } = await truth.ranks(leaderboard, asked);
        return ranks.map((rank) => ({ rank, players }));
      },
    }),
  );
  return {
    async of(leaderboard, players) {
      const standings = await counterOf(leaderboard).submitAll(players);
      return standings.map((standing) => {
        if (standing instanceof Error) throw standing;
        return standing;
      });
    },
  };
}
