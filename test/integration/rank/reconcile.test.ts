/** The rank index after somebody tampered with it: found, put right in place, and told; and what the operator's look says. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CompareIndexResponse } from '../../../gen/scoreboard/rank/v1/index_pb.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;
let redis: RedisClient;
let epoch: bigint;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
  redis = connectRedis({
    url: world.redisUrl,
    connectionName: 'test',
    commandTimeoutMs: 10_000,
    log: createSilentLog(),
  });
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);
});

afterAll(async () => {
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

const submit = (userId: string, actionId: string, points: bigint, leaderboard: string) => {
  const submission = { userId, actionId, points, leaderboard };
  return ranked(() => world.scoreAs('game').submitScore({ submission }, call));
};
const top = (leaderboard: string) => world.rankAs('edge').getTop({ leaderboard }, call);
const topOf = async (leaderboard: string) =>
  (await top(leaderboard)).entries.map(({ userId, score }) => [userId, score]);
const players = (leaderboard: string) => `sb:${epoch}:${leaderboard}:players`;
const order = (leaderboard: string) => `sb:${epoch}:${leaderboard}:order`;

async function memberOf(leaderboard: string, userId: string) {
  const value = (await redis.hget(players(leaderboard), userId)) ?? '';
  const [version = '', reached = '', ...name] = value.split(':');
  return { value, version, reached, name: name.join(':'), member: `${reached}${userId}` };
}

async function compareEverything() {
  const parts: CompareIndexResponse[] = [];
  do parts.push(await world.indexAs('cli').compareIndex({ cursor: parts.at(-1)?.cursor ?? '' }, call));
  while (parts.at(-1)?.cursor !== '');
  return {
    players: parts.reduce((sum, part) => sum + part.players, 0),
    differences: parts.flatMap((part) => part.differences),
  };
}

let boards = 0;
let board: string;
beforeEach(async () => {
  boards += 1;
  board = `board-${boards}`;
  await submit('ada', `${board}-1`, 30n, board);
  await submit('bob', `${board}-2`, 20n, board);
  await submit('cy', `${board}-3`, 10n, board);
  epoch = (await top(board)).position?.epoch ?? 0n;
});

const right = [
  ['ada', 30n],
  ['bob', 20n],
  ['cy', 10n],
];

/** Each is one way in which an entry of bob's can be wrong. */
const tamperings: [kind: string, tamper: () => Promise<unknown>][] = [
  [
    'missing',
    async () => {
      const { member } = await memberOf(board, 'bob');
      await redis.multi().hdel(players(board), 'bob').zrem(order(board), member).exec();
    },
  ],
  [
    'behind',
    async () => {
      await submit('bob', `${board}-4`, 0n, board);
      const { member, reached } = await memberOf(board, 'bob');
      const old = redis.multi().hset(players(board), 'bob', `1:${reached}:bob`);
      await old.zadd(order(board), -5, member).exec();
    },
  ],
  [
    'ahead',
    async () => {
      const { member, reached } = await memberOf(board, 'bob');
      const future = redis.multi().hset(players(board), 'bob', `999:${reached}:bob`);
      await future.zadd(order(board), -5000, member).exec();
    },
  ],
  [
    'corrupt',
    async () => {
      const { member } = await memberOf(board, 'bob');
      await redis.zadd(order(board), -5000, member);
    },
  ],
  [
    'corrupt',
    async () => {
      const { member, version } = await memberOf(board, 'bob');
      const moved = redis.multi().hset(players(board), 'bob', `${version}:00000000000001:bob`);
      await moved.zrem(order(board), member).zadd(order(board), -20, '00000000000001bob').exec();
    },
  ],
  ['corrupt', () => redis.hset(players(board), 'bob', 'nonsense')],
  [
    'stray',
    async () => {
      const invented = redis.multi().hset(players(board), 'eve', '1:00000000000001:eve');
      await invented.zadd(order(board), -5000, '00000000000001eve').exec();
    },
  ],
  ['stray', () => redis.zadd(order(board), -5000, '00000000000001bob')],
];

test.each(tamperings)('an entry that is %s is found and put right in place', async (kind, tamper) => {
  const drift = await world.rankMetric('reconcile_drift_total', `kind="${kind}"`);
  const repaired = await world.rankMetric('reconcile_repaired_total', `kind="${kind}"`);
  await tamper();
  await waitFor(
    async () => (await world.rankMetric('reconcile_drift_total', `kind="${kind}"`)) > drift || undefined,
  );
  await waitFor(
    async () =>
      (await world.rankMetric('reconcile_repaired_total', `kind="${kind}"`)) > repaired || undefined,
  );
  await waitFor(async () => (await redis.zcard(order(board))) === 3 || undefined);
  expect(await topOf(board)).toEqual(right);
  expect(await redis.hlen(players(board))).toBe(3);
  expect((await top(board)).position?.epoch).toBe(epoch);
  expect((await compareEverything()).differences).toEqual([]);
  // The player goes on as if nothing had been.
  expect(await submit('bob', `${board}-5`, 15n, board)).toMatchObject({ newScore: 35n, rank: 1n });
});

test('a board that only the index has is found, emptied and logged', async () => {
  const invented = `${board}-invented`;
  const eve = () =>
    redis
      .multi()
      .hset(players(invented), 'eve', '1:00000000000001:eve')
      .zadd(order(invented), -5000, '00000000000001eve', -1, '00000000000002nobody')
      .exec();
  // The operator's look may come after the repair: invent it again until the look came first.
  const seen = await waitFor(async () => {
    await eve();
    const { differences } = await compareEverything();
    return differences.length === 2 ? differences : undefined;
  });
  expect(seen.map(({ userId, kind }) => [userId, kind])).toEqual([
    ['eve', 'stray'],
    ['00000000000002nobody', 'stray'],
  ]);
  await waitFor(async () => (await redis.exists(players(invented), order(invented))) === 0 || undefined);
  expect(await topOf(invented)).toEqual([]);
  expect((await compareEverything()).differences).toEqual([]);
  // It may begin as any other.
  expect(await submit('bob', `${board}-6`, 5n, invented)).toMatchObject({ newScore: 5n, rank: 1n });
});

test('a top that a repair changed has a greater seq than the wrong one', async () => {
  const { member } = await memberOf(board, 'bob');
  await redis.zadd(order(board), -5000, member);
  const wrong = await top(board);
  const again = await waitFor(async () => {
    const now = await top(board);
    return now.entries[0]?.userId === 'ada' ? now : undefined;
  });
  expect(again.position?.seq).toBeGreaterThan(wrong.position?.seq ?? 0n);
});

test('nothing is taken for drift while scores keep coming', async () => {
  const before = await world.rankMetric('reconcile_drift_total');
  const compared = await world.rankMetric('reconcile_compared_total', 'recent');
  let action = 0;
  await waitFor(async () => {
    action += 1;
    await Promise.all(
      ['ada', 'bob', 'cy', 'dan'].map((user) => submit(user, `${user}-n${action}`, 1n, board)),
    );
    return (await world.rankMetric('reconcile_compared_total', 'recent')) > compared + 15 || undefined;
  });
  expect(await world.rankMetric('reconcile_drift_total')).toBe(before);
});

test('the operator sees every board, the number of players and each difference', async () => {
  const counted = await sql<{ players: number }[]>`select count(*)::int as players from scores`;
  const { players: compared, differences } = await compareEverything();
  expect(compared).toBe(counted[0]?.players);
  expect(differences).toEqual([]);
  // The reconciler puts the index right within a second or so: tamper and look until the look came first.
  const seen = await waitFor(async () => {
    const { member } = await memberOf(board, 'bob');
    await redis.zadd(order(board), -7, member);
    const found = (await compareEverything()).differences;
    return found.length > 0 ? found : undefined;
  });
  expect(seen).toMatchObject([{ userId: 'bob', kind: 'corrupt' }]);
  expect(seen[0]?.truth).toContain('points 20 version 1');
});

test('without Redis there is nothing to compare, and the operator gets that answer', async () => {
  await world.killRedis();
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 0 || undefined);
  await expect(world.indexAs('cli').compareIndex({}, call)).rejects.toMatchObject({
    reason: 'INDEX_UNAVAILABLE',
  });
  await world.startRedis();
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);
});
