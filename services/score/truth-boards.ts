/**
 * Boards read from Postgres while Redis is away, shared by everybody who asks: one reading at a time per board, and
 * who asks while it runs gets the next one, so an answer is never older than the question.
 */
import { createCoalescer } from '../shared/coalescer.ts';
import type { Board } from './board.ts';
import { createPerBoard } from './per-board.ts';
import type { TruthStore } from './truth-store.ts';

export interface TruthBoards {
  /** A board read after this call. */
  fresh(leaderboard: string): Promise<Board>;
  /** A board at most a moment old. */
  recent(leaderboard: string): Promise<Board>;
}

/** How old a board may be for a reader who did not just write. */
const RECENT_MS = 200;
/** Everybody who waits for one board is served by one reading, so this only bounds memory. */
const MAX_WAITING = 100_000;

export function createTruthBoards(truth: Pick<TruthStore, 'board'>): TruthBoards {
  const readerOf = createPerBoard((leaderboard) => {
    let latest: { board: Board; at: number } | undefined;
    const coalescer = createCoalescer<null, Board>({
      maxBatch: MAX_WAITING,
      maxInFlight: 1,
      maxQueue: MAX_WAITING,
      send: async (waiting) => {
        const board = await truth.board(leaderboard);
        latest = { board, at: performance.now() };
        return waiting.map(() => board);
      },
    });
    const fresh = () => coalescer.submit(null);
    const recent = async () =>
      latest !== undefined && performance.now() - latest.at < RECENT_MS ? latest.board : fresh();
    return { fresh, recent };
  });
  return {
    fresh: (leaderboard) => readerOf(leaderboard).fresh(),
    recent: (leaderboard) => readerOf(leaderboard).recent(),
  };
}
