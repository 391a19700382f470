/**
 * The use case that reads a board page by page: from the index in one call, at any depth, or from Postgres while there is none. A
 * cursor names a place in the board's order, so it holds in both, and whatever happens between two pages: no entry that stays where
 * it is comes twice or is left out.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Page, PageStart } from '../../shared/values/board.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthPages } from '../truth/truth-pages.ts';
import { createFromIndex } from './from-index.ts';

export interface ReadPagesOptions {
  index: Pick<RankIndex, 'page'>;
  truthPages: TruthPages;
  known: Pick<KnownIndex, 'redisEpoch' | 'doubt' | 'vouches'>;
  log: Log;
}

/** Postgres sorts this many players in some 10 ms. */
const MAX_SORTED_PLAYERS = 10_000;
/** Pages read from Postgres at once, of all readers together: half of the connections. */
const MAX_FROM_TRUTH = 2;
const RETRY_AFTER_MS = 1_000;

export type ReadPages = ReturnType<typeof createReadPages>;

export function createReadPages({ index, truthPages, known, log }: ReadPagesOptions) {
  const fromIndex = createFromIndex({ known, log });
  let reading = 0;

  async function fromTruth(leaderboard: string, start: PageStart, limit: number): Promise<Page | null> {
    const isFirst = start.at === 'rank' && start.rank === 1;
    // Shared by all readers of the board.
    if (isFirst) return truthPages.page(leaderboard, start, limit);
    if (start.at === 'rank' && start.rank + limit > MAX_SORTED_PLAYERS) {
      throw new AppError('INDEX_UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
    }
    if (reading >= MAX_FROM_TRUTH) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
    reading += 1;
    try {
      return await truthPages.page(leaderboard, start, limit);
    } finally {
      reading -= 1;
    }
  }

  return {
    /** Refuses with PLAYER_NOT_FOUND if the page is to be around a player without a score. */
    async page(
      leaderboard: string,
      start: PageStart,
      limit: number,
    ): Promise<Page & { readonly stale: boolean }> {
      const found = await fromIndex((epoch) => index.page(epoch, leaderboard, start, limit));
      const page = found === undefined ? await fromTruth(leaderboard, start, limit) : found;
      if (page === null) throw new AppError('PLAYER_NOT_FOUND');
      return { ...page, stale: !known.vouches() };
    },
  };
}
