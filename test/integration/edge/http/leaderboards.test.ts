/** The list of boards for players: from the operator's settings to REST and Connect, through the whole product. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../../support/worlds/whole-world.ts';

const call = { limitMs: 10_000 };
let world: WholeWorld;

beforeAll(async () => {
  world = await startWholeWorld({ each: 1 });
});
afterAll(() => world?.stop());

/** The body once it lists so many boards. */
const listed = (path: string, count: number, init: RequestInit = {}) =>
  waitFor(
    async () => {
      const response = await fetch(`${world.edgeUrls[0]}${path}`, init);
      const body = (await response.json()) as { leaderboards?: { name: string }[] };
      return body.leaderboards?.length === count ? body : undefined;
    },
    { describe: `${count} boards` },
  );

it('has the open boards with their settings, in the order of names', async () => {
  const laps = { name: 'laps', operator: 'best', order: 'ascending', decimals: 3, unit: 's' };
  const global = { name: 'global', operator: 'sum', order: 'descending', decimals: 0, unit: '' };
  await world.boardsAs('cli').createBoard(laps, call);
  expect(await listed('/api/v1/leaderboards', 2)).toEqual({ leaderboards: [global, laps] });
  const connect = await listed('/scoreboard.edge.v1.ScoreboardService/ListLeaderboards', 2, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(connect.leaderboards?.[1]).toEqual(laps);
  await world.boardsAs('cli').setBoard({ name: 'laps', state: 'archived' }, call);
  expect(await listed('/api/v1/leaderboards', 1)).toEqual({ leaderboards: [global] });
});
