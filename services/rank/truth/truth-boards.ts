/**
 * Boards read from Postgres while Redis is away. All readers of a board share one query at a time. A fresh board comes from a
 * query that began after the call.
 */
import { createSingleFlight } from '../../shared/flow/single-flight.ts';
import { type BoardReading, type Entry, TOP_MAX, TOP_SIZE } from '../../shared/values/board.ts';
import { createPerBoard } from './per-board.ts';
import type { TruthStore } from './truth-store.ts';

/** Least time for which a reading serves readers who did not just write. */
const RECENT_MS = 200;
/** A query reads the whole board. While only readers need it, Postgres has three quarters of its time for other work. */
const REST = 3;

export type TruthBoards = ReturnType<typeof createTruthBoards>;

export function createTruthBoards(truth: Pick<TruthStore, 'board' | 'page'>) {
  const tops = createPerBoard((leaderboard) => createReading(() => truth.board(leaderboard)));
  const below = createPerBoard((leaderboard) =>
    createReading(() => truth.page(leaderboard, TOP_SIZE + 1, TOP_MAX - TOP_SIZE)),
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

function createReading<Reading>(read: () => Promise<Reading>) {
  let latest: { reading: Reading; expiresAtMs: number } | undefined;
  const { fresh } = createSingleFlight(async () => {
    const startedMs = performance.now();
    const reading = await read();
    const endedMs = performance.now();
    latest = { reading, expiresAtMs: endedMs + Math.max(RECENT_MS, REST * (endedMs - startedMs)) };
    return reading;
  });
  const recent = async () =>
    latest !== undefined && performance.now() < latest.expiresAtMs ? latest.reading : fresh();
  return { fresh, recent };
}
