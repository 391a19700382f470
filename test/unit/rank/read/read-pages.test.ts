/** Pages while Redis is away: what Postgres reads for one reader, and what it reads for all. */
import { describe, expect, it } from 'vitest';
import { createReadPages, type ReadPagesOptions } from '../../../../services/rank/read/read-pages.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { Page, PageStart } from '../../../../services/shared/values/board.ts';

const EMPTY: Page = { entries: [], players: 0, last: undefined };
const BEHIND: PageStart = { at: 'after', key: { points: 1n, reached: 1n, userId: 'ada' } };

/** Without an index. Pages are read until the test lets them be answered. */
function world() {
  const gate = Promise.withResolvers<void>();
  const options: ReadPagesOptions = {
    index: { page: () => Promise.reject(new Error('there is no index')) },
    truthPages: { page: () => gate.promise.then(() => EMPTY) },
    known: { redisEpoch: undefined, doubt() {}, vouches: () => true },
    log: createSilentLog(),
  };
  return { letGo: () => gate.resolve(), pages: createReadPages(options) };
}

describe('without an index', () => {
  it('two pages are read at once, whoever asks, and a third is refused until one is done', async () => {
    const { pages, letGo } = world();
    const read = [1, 2].map(() => pages.page('global', BEHIND, 10));
    await expect(pages.page('global', BEHIND, 10)).rejects.toMatchObject({ reason: 'OVERLOADED' });
    letGo();
    await Promise.all(read);
    expect(await pages.page('global', BEHIND, 10)).toEqual({ ...EMPTY, stale: false });
  });

  it('the first page, which readers share, is never refused', async () => {
    const { pages, letGo } = world();
    const read = [1, 2].map(() => pages.page('global', BEHIND, 10));
    const first = pages.page('global', { at: 'rank', rank: 1 }, 10);
    letGo();
    expect(await first).toMatchObject(EMPTY);
    await Promise.all(read);
  });

  it('a page from a rank on is refused where too many players would have to be sorted', async () => {
    const { pages, letGo } = world();
    letGo();
    const from = (rank: number) => pages.page('global', { at: 'rank', rank }, 10);
    await expect(from(9_991)).rejects.toMatchObject({ reason: 'INDEX_UNAVAILABLE' });
    expect(await from(9_990)).toMatchObject(EMPTY);
  });
});
