import { describe, expect, test, vi } from 'vitest';
import { createRenamePlayers } from '../../../../services/score/names/rename-players.ts';
import type { Renamed } from '../../../../services/score/names/renamed-store.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type { Player } from '../../../../services/shared/values/board.ts';
import { eventually } from '../../../support/eventually.ts';

const ADA: Renamed = { userId: 'ada', changes: 1n };
const boardsOf = (count: number): Player[] =>
  Array.from({ length: count }, (_, at) => ({
    leaderboard: `b${String(at).padStart(5, '0')}`,
    userId: 'ada',
  }));

/** One run of the loop over a player with so many boards. */
async function work(boards: readonly Player[], refreshNames = vi.fn(async (_request: unknown) => ({}))) {
  let waiting: Renamed[] = [ADA];
  let stale = boards.length;
  const settled: Renamed[] = [];
  const pages: number[] = [];
  const store = {
    claim: vi.fn(async () => waiting.splice(0)),
    async apply(_: readonly string[], limit: number) {
      const rows = Math.min(limit, stale);
      stale -= rows;
      pages.push(rows);
      return rows;
    },
    async boards(_: readonly string[], after: Player | undefined, limit: number) {
      const from =
        after === undefined ? 0 : boards.findIndex((each) => each.leaderboard === after.leaderboard) + 1;
      return boards.slice(from, from + limit);
    },
    async settle(renamed: readonly Renamed[]) {
      settled.push(...renamed);
    },
  };
  const renames = createRenamePlayers({
    store,
    index: { refreshNames: refreshNames as never },
    log: createSilentLog(),
  });
  renames.start();
  await eventually(() => expect(store.claim.mock.calls.length).toBeGreaterThan(settled.length));
  await renames.stop();
  waiting = [];
  return { settled, pages, refreshNames, stale };
}

describe('the boards of a renamed player', () => {
  test('are all refreshed, page by page, and then the player is settled', async () => {
    const { settled, pages, refreshNames, stale } = await work(boardsOf(1_203));
    expect([settled, pages, stale]).toEqual([[ADA], [500, 500, 203], 0]);
    const refreshed = refreshNames.mock.calls.map(
      ([request]) => (request as { leaderboard: string }).leaderboard,
    );
    expect(refreshed).toEqual(boardsOf(1_203).map(({ leaderboard }) => leaderboard));
  });

  test('are refreshed a few at a time', async () => {
    let underWay = 0;
    let most = 0;
    const refreshNames = vi.fn(async (_: unknown) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return {};
    });
    await work(boardsOf(50), refreshNames);
    expect(most).toBe(8);
  });

  test('stay due when rank does not answer', async () => {
    const refreshNames = vi.fn(async (_: unknown) => Promise.reject(new Error('away')));
    expect((await work(boardsOf(3), refreshNames)).settled).toEqual([]);
  });

  test('may be none', async () => {
    const { settled, refreshNames } = await work([]);
    expect([settled, refreshNames.mock.calls]).toEqual([[ADA], []]);
  });
});
