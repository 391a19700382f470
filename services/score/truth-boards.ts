/**
 * Boards read from Postgres while Redis is away, shared by everybody who asks: one reading at a time per board, and
 * who asks while it runs gets the next one, so an answer is never older than the question.
 */
import { type Coalescer, createCoalescer } from '../shared/coalescer.ts';
import type { Board } from './board.ts';
import type { TruthStore } from './truth-store.ts';

export interface TruthBoards {
  /** A board read after this call. */
  fresh(leaderboard: string): Promise<Board>;
  /** A board at most a moment old. */
  recent(leaderboard: string): Promise<Board>;
}

/** How old a board may be for a reader who did not just write. */
const RECENT_MS = 200;
/** Boards that are remembered; with more, the one remembered for longest is forgotten. */
const MAX_BOARDS = 1_000;
/** Everybody who waits for one board is served by one reading, so this only bounds memory. */
const MAX_WAITING = 100_000;

export function createTruthBoards(truth: TruthStore): TruthBoards {
  const readers = new Map<string, Coalescer<null, Board>>();
  const latest = new Map<string, { board: Board; at: number }>();

  function readerOf(leaderboard: string): Coalescer<null, Board> {
    let reader = readers.get(leaderboard);
    if (reader === undefined) {
      reader = createCoalescer<null, Board>({
        maxBatch: MAX_WAITING,
        maxInFlight: 1,
        maxQueue: MAX_WAITING,
        send: async (waiting) => {
          const board = await truth.board(leaderboard);
          latest.set(leaderboard, { board, at: performance.now() });
          return waiting.map(() => board);
        },
      });
      readers.set(leaderboard, reader);
      if (readers.size > MAX_BOARDS) {
        const [oldest = leaderboard] = readers.keys();
        readers.delete(oldest);
        latest.delete(oldest);
      }
    }
    return reader;
  }

  const fresh = (leaderboard: string) => readerOf(leaderboard).submit(null);
  return {
    fresh,
    async recent(leaderboard) {
      const known = latest.get(leaderboard);
      if (known !== undefined && performance.now() - known.at < RECENT_MS) return known.board;
      return fresh(leaderboard);
    },
  };
}
