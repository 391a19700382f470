/**
 * Boards read from Postgres while Redis is away. All readers of a board share one query at a time. A fresh board comes from a
 * query that began after the call.
 */
import { type BoardReading, type Entry, TOP_MAX, TOP_SIZE } from '../../shared/values/board.ts';
import { createPerBoard } from './per-board.ts';
import { createRecentReading } from './recent-reading.ts';
import type { TruthStore } from './truth-store.ts';

export type TruthBoards = ReturnType<typeof createTruthBoards>;

export function createTruthBoards(truth: Pick<TruthStore, 'board' | 'page'>) {
  const tops = createPerBoard((leaderboard) => createRecentReading(() => truth.board(leaderboard)));
  const below = createPerBoard((leaderboard) =>
    createRecentReading(() => truth.page(leaderboard, TOP_SIZE + 1, TOP_MAX - TOP_SIZE)),
  );
  return {
    /** A board read after this call. */
    fresh: (leaderboard: string): Promise<BoardReading> => tops(leaderboard).fresh(),
    /** A board that may be some hundred milliseconds old. */
    recent: (leaderboard: string): Promise<BoardReading> => tops(leaderboard).recent(),
    /** The entries below the top, down to the last that a reader may ask for. As old as `recent`. */
    belowTop: (leaderboard: string): Promise<readonly Entry[]> => below(leaderboard).recent(),
  };
}
