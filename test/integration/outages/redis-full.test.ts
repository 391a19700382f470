/** A Redis that answers but takes no writes, as one does that is full: scores count, boards stay right, and it heals. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

/** Some megabytes of index: enough to be told from what Redis needs for itself. */
const CROWD = 40_000;
const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;
let redis: RedisClient;
let used = 0;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test' },
    statementTimeoutMs: 30_000,
  });
  redis = connectRedis({
    ...{ url: world.redisUrl, connectionName: 'test', commandTimeoutMs: 10_000 },
    log: createSilentLog(),
  });
  await fromRedis();
});

afterAll(async () => {
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

const submit = async (userId: string, points: bigint) => {
  used += 1;
  const submission = { userId, actionId: `a${used}`, points };
  return ranked(() => world.scoreAs('game').submitScore({ submission }, call));
};
const top = () => world.rankAs('edge').getTop({ limit: 3 }, call);
const source = (fromIndex: 0 | 1) =>
  waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === fromIndex || undefined);
const fromRedis = () => source(1);
const fromPostgres = () => source(0);
const allDelivered = () => waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
const limitMemory = (bytes: number) => redis.config('SET', 'maxmemory', String(bytes));
const usedMemory = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
/** The board with its player on top, from whoever vouches for it. */
const leads = (userId: string) =>
  waitFor(async () => {
    const { entries, stale } = await top();
    return (!stale && entries[0]?.userId === userId) || undefined;
  });

async function differences(): Promise<number> {
  let [cursor, differing] = ['', 0];
  do {
    const part = await world.indexAs('cli').compareIndex({ cursor }, call);
    cursor = part.cursor;
    differing += part.differing;
  } while (cursor !== '');
  return differing;
}

test('while Redis is full scores count with their rank and boards come from Postgres, and once it has room all is as before', async () => {
  await submit('ada', 10n);
  await leads('ada');
  await limitMemory(1);
  expect(await submit('bob', 20n)).toMatchObject({ newScore: 20n, rank: 1n });
  await leads('bob');
  await fromPostgres();
  expect(await submit('ada', 30n)).toMatchObject({ newScore: 40n, rank: 1n });
  await leads('ada');
  // Whoever waited for the index is delivered without it.
  await allDelivered();
  await limitMemory(0);
  await fromRedis();
  await leads('ada');
  expect(await submit('cy', 50n)).toMatchObject({ newScore: 50n, rank: 1n });
  await leads('cy');
  await allDelivered();
  expect(await differences()).toBe(0);
});

test('an index that fits only once is rebuilt in the room of the one before', async () => {
  const before = await usedMemory();
  await sql`
    insert into scores (leaderboard, user_id, username, points, version, reached)
    select 'global', 'crowd-' || n, 'crowd', 1, 1, n from generate_series(1, ${CROWD}) n`;
  await world.killRedis();
  await world.startRedis();
  await waitFor(
    async () =>
      ((await redis.dbsize().catch(() => 0)) > 0 && (await differences().catch(() => 1)) === 0) || undefined,
  );
  const indexBytes = (await usedMemory()) - before;
  await limitMemory(1);
  await fromPostgres();
  await limitMemory(before + Math.ceil(indexBytes * 1.5));
  await fromRedis();
  expect(await differences()).toBe(0);
  await limitMemory(0);
});

test('a build that nobody goes on with, and no Redis, hold up no delivery', async () => {
  await world.killRedis();
  await fromPostgres();
  await sql`update rank_index set building = epoch + 1, building_until = now() + interval '1 second'`;
  expect(await submit('dan', 100n)).toMatchObject({ newScore: 100n, rank: 1n });
  await allDelivered();
  await leads('dan');
  await world.startRedis();
  await fromRedis();
  await leads('dan');
  expect(await differences()).toBe(0);
});
