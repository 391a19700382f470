/** An older state of the database is put in place under a Redis that goes on running, and holds the same epoch. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const submit = (actionId: string, points: bigint) =>
  ranked(() => world.scoreAs('game').submitScore({ submission: { userId: 'ada', actionId, points } }, call));
const top = () => world.rankAs('edge').getTop({}, call);
const row = async () => {
  const [found] = await sql<{ epoch: bigint; seen: string }[]>`
    select epoch, redis_seen_at::text as seen from rank_index`;
  return found ?? { epoch: 0n, seen: '' };
};

test('the index that is ahead of a restored database is rebuilt under a new epoch', async () => {
  await submit('a1', 10n);
  const before = await row();
  expect(before.epoch).toBeGreaterThan(1_700_000_000n);
  await submit('a2', 90n);
  await waitFor(async () => (await row()).seen > before.seen || undefined);
  const shown = await waitFor(async () => {
    const board = await top();
    return board.entries[0]?.score === 100n ? board : undefined;
  });
  expect(shown.position?.epoch).toBe(before.epoch);
  // Again when a beat of the service came in between and noted that it saw Redis.
  await waitFor(async () => {
    await sql`
      with restored as (
        update rank_index set redis_seen_at = ${before.seen}::text::timestamptz where epoch = ${before.epoch} returning epoch)
      update scores set points = 10, version = 1 from restored`;
    return (await row()).epoch > before.epoch || undefined;
  });
  const restored = await waitFor(async () => {
    const board = await top();
    return !board.stale && board.entries[0]?.score === 10n ? board : undefined;
  });
  expect(restored.position?.epoch).toBeGreaterThan(before.epoch);
  expect(await submit('a3', 1n)).toMatchObject({ newScore: 11n, version: 2n, rank: 1n });
});
