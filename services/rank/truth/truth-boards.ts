/**
 * Boards read from Postgres while Redis is away, shared by everybody who asks: one reading at a time per board, and
 * who asks while it runs gets the next one, so an answer is never older than the question.
 */

import { createCoalescer } from '../../shared/flow/coalescer.ts';
import { type Board, type Entry, TOP_MAX, TOP_SIZE } from '../../shared/values/board.ts';
import { createPerBoard } from './per-board.ts';
import type { TruthStore } from './truth-store.ts';

export interface TruthBoards {
  /** A board read after this call. */
  fresh(leaderboard: string): Promise<Board>;
  /** A board at most a moment old. */
  recent(leaderboard: string): Promise<Board>;
  /** The entries below a board's top, as far down as anybody may ask, at most a moment old. */
  belowTop(leaderboard: string): Promise<readonly Entry[]>;
}

/** How old a reading may be for a reader who did not just write, at least. */
const RECENT_MS = 200;
/** Each reads the whole board: while only readers ask, Postgres has three quarters of its time for others. */
const REST = 3;
/** Everybody who waits for one board is served by one reading, so this only bounds memory. */
const MAX_WAITING = 100_000;

export function createTruthBoards(truth: Pick<TruthStore, 'board' | 'page'>): TruthBoards {
  const tops = createPerBoard((leaderboard) => shared(() => truth.board(leaderboard)));
  const below = createPerBoard((leaderboard) =>
    shared(() => truth.page(leaderboard, TOP_SIZE + 1, TOP_MAX - TOP_SIZE)),
  );
  return {
    fresh: (leaderboard) => tops(leaderboard).fresh(),
    recent: (leaderboard) => tops(leaderboard).recent(),
    belowTop: (leaderboard) => below(leaderboard).recent(),
  };
}

function shared<Reading>(read: () => Promise<Reading>) {
  let latest: { reading: Reading; expiresAtMs: number } | undefined;
  const coalescer = createCoalescer<null, Reading>({
    maxBatch: MAX_WAITING,
    maxInFlight: 1,
    maxQueue: MAX_WAITING,
    send: async (waiting) => {
      const startedMs = performance.now();
      const reading = await read();
      const endedMs = performance.now();
      latest = { reading, expiresAtMs: endedMs + Math.max(RECENT_MS, REST * (endedMs - startedMs)) };
      return waiting.map(() => reading);
    },
  });
  const fresh = () => coalescer.submit(null);
  const recent = async () =>
    latest !== undefined && performance.now() < latest.expiresAtMs ? latest.reading : fresh();
  return { fresh, recent };
}
