import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { BOARDS_AT_ONCE, loadBoards } from '../../../../services/rank/rebuild/load-boards.ts';

const BOARDS = Array.from({ length: 20 }, (_, n) => `board-${n}`);
const never = new AbortController().signal;

/** Loads boards of two players; counts those under way. */
function startLoading(failing = '') {
  const loaded: string[] = [];
  const under = { way: 0, most: 0 };
  const load = async (leaderboard: string) => {
    under.way += 1;
    under.most = Math.max(under.most, under.way);
    await turn();
    under.way -= 1;
    if (leaderboard === failing) throw new Error(`${leaderboard} failed`);
    loaded.push(leaderboard);
    return 2;
  };
  return { load, loaded, under };
}

it('loads every board once, a few at a time, and counts the players', async () => {
  const { load, loaded, under } = startLoading();
  expect(await loadBoards(BOARDS, load, never)).toBe(40);
  expect(loaded.sort()).toEqual([...BOARDS].sort());
  expect(under.most).toBe(BOARDS_AT_ONCE);
});

it('ends with the first failure, begins no further board, and leaves none under way', async () => {
  const { load, loaded, under } = startLoading('board-4');
  await expect(loadBoards(BOARDS, load, never)).rejects.toThrow('board-4 failed');
  expect(under.way).toBe(0);
  expect(loaded.length).toBeLessThan(8);
});

it('ends when it is stopped', async () => {
  const stopped = new AbortController();
  const { load, loaded } = startLoading();
  const loading = loadBoards(BOARDS, load, stopped.signal);
  stopped.abort(new Error('stopped'));
  await expect(loading).rejects.toThrow('stopped');
  expect(loaded.length).toBeLessThanOrEqual(BOARDS_AT_ONCE);
});
