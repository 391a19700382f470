/** Boards through real score and rank services: their order, places, events, and a rank index that is lost. */

import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScoreBatch, ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { patient } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { reasonOf } from '../../support/worlds/score/score-calls.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const MAX_SCORE = 2n ** 53n - 1n;
const call = { limitMs: 30_000 };

let world: ScoreWorld;
let sql: Sql;
let redis: RedisClient;
let events: ScoreBatch[];
let closeEvents: () => Promise<void>;

beforeAll(async () => {
  world = await startScoreWorld({ rankServices: 2 });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 2,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
  redis = connectRedis({
    url: world.redisUrl,
    connectionName: 'test',
    commandTimeoutMs: 10_000,
    log: createSilentLog(),
  });
  const nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
  events = [];
  const subscription = nats.subscribe('scores.*', {
    callback: (_, message) => events.push(fromBinary(ScoreBatchSchema, message.data)),
  });
  await nats.flush();
  closeEvents = async () => {
    subscription.unsubscribe();
    await nats.close();
  };
  const players = Object.entries({ ada: 40n, bob: 8n, carl: 8n, dora: 0n, ['u'.repeat(128)]: MAX_SCORE });
  for (const [userId, points] of players) await submit(userId, `first-${points}`, points);
  await submit('ada', 'second', 2n);
});

afterAll(async () => {
  await closeEvents?.();
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

/** As a service that may submit without a signature. */
const submit = (userId: string, actionId: string, points: bigint, leaderboard = 'global') => {
  const submission = { userId, actionId, points, leaderboard, username: `Name of ${userId}` };
  return patient(world.scoreAs('game')).submitScore({ submission }, call);
};

it('orders by score, then by the time at which it was reached, then by user id, in every answer', async () => {
  const board = 'order';
  await submit('late', 'o1', 5n, board);
  await submit('early', 'o2', 10n, board);
  await submit('late', 'o3', 5n, board);
  await submit('zero', 'o4', 0n, board);
  const reader = world.rankAs('edge', 1);
  const top = await reader.getTop({ leaderboard: board }, call);
  expect(top.entries.map(({ userId, score, rank }) => [userId, score, rank])).toEqual([
    ['early', 10n, 1n],
    ['late', 10n, 2n],
    ['zero', 0n, 3n],
  ]);
  expect(top.entries[0]?.username).toBe('Name of early');
  expect(await reader.getRank({ leaderboard: board, userId: 'late' }, call)).toMatchObject({
    entry: { rank: 2n, score: 10n },
    version: 2n,
    players: 3n,
  });
  const around = await reader.listAround({ leaderboard: board, userId: 'zero', radius: 1 }, call);
  expect(around.entries.map(({ userId }) => userId)).toEqual(['late', 'zero']);
  const truth =
    await sql`select user_id from scores where leaderboard = ${board} order by points desc, reached, user_id`;
  expect(truth.map((row) => row.user_id)).toEqual(['early', 'late', 'zero']);
});

it('answers or refuses each query of a batch by itself', async () => {
  const board = 'places';
  for (const [userId, points] of [
    ['ada', 3n],
    ['bob', 2n],
    ['cy', 1n],
  ] as const) {
    await submit(userId, `p-${userId}`, points, board);
  }
  const { outcomes } = await world.rankAs('edge').getPlaces(
    {
      queries: [
        { leaderboard: board, userId: 'bob' },
        { leaderboard: board, userId: 'nobody' },
        { leaderboard: board, userId: 'cy', radius: 1 },
        { leaderboard: board, userId: 'ada', minVersion: 2n },
        { leaderboard: board, userId: 'ada', radius: 51 },
        { leaderboard: '*', userId: 'ada' },
      ],
    },
    call,
  );
  const bob = { userId: 'bob', score: 2n, rank: 2n };
  const cy = { userId: 'cy', score: 1n, rank: 3n };
  expect(
    outcomes.map(({ result }) => (result.case === 'refused' ? result.value.reason : result.value)),
  ).toMatchObject([
    { entry: bob, entries: [bob], version: 1n, players: 3n },
    'PLAYER_NOT_FOUND',
    { entry: cy, entries: [bob, cy], version: 1n, players: 3n },
    'VERSION_NOT_REACHED',
    'LIMIT_INVALID',
    'LEADERBOARD_INVALID',
  ]);
});

it('refuses queries of players it does not know, and out of range', async () => {
  const reader = world.rankAs('edge');
  const many = Array.from({ length: 101 }, () => ({ userId: 'ada' }));
  for (const queries of [[], many]) {
    expect(await reasonOf(reader.getPlaces({ queries }, call))).toBe('BATCH_SIZE_INVALID');
  }
  expect(await reasonOf(reader.getRank({ userId: 'nobody' }, call))).toBe('PLAYER_NOT_FOUND');
  expect(await reasonOf(reader.listAround({ userId: 'nobody' }, call))).toBe('PLAYER_NOT_FOUND');
  expect(await reasonOf(reader.getRank({ userId: 'ada', minVersion: 1_000n }, call))).toBe(
    'VERSION_NOT_REACHED',
  );
  expect(await reasonOf(reader.getTop({ limit: 101 }, call))).toBe('LIMIT_INVALID');
  expect(await reasonOf(reader.listAround({ userId: 'ada', radius: 51 }, call))).toBe('LIMIT_INVALID');
  expect(await reasonOf(reader.getTop({ leaderboard: '*' }, call))).toBe('LEADERBOARD_INVALID');
  expect((await reader.getTop({ leaderboard: 'unknown' }, call)).entries).toEqual([]);
});

it('publishes each commit with the player states and the new top, in growing seq, and settles the outbox', async () => {
  const board = 'events';
  const seen = (count: number) =>
    waitFor(() => {
      const own = events.filter((event) => event.leaderboard === board);
      return own.length >= count ? own : undefined;
    });
  await submit('ivy', 'e1', 1n, board);
  await seen(1);
  await submit('jon', 'e2', 2n, board);
  const [first, second] = await seen(2);
  expect(second).toMatchObject({
    players: [{ userId: 'jon', score: 2n, rank: 1n, version: 1n }],
    board: { causeUserId: 'jon', causeScore: 2n, entries: [{ userId: 'jon' }, { userId: 'ivy' }] },
  });
  expect(second?.board?.seq).toBeGreaterThan(first?.board?.seq ?? 0n);
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
});

it('rebuilds an index that was flushed, with the same board under a newer epoch', async () => {
  const reader = world.rankAs('edge');
  const before = await reader.getTop({}, call);
  await redis.flushall();
  const after = await waitFor(async () => {
    const top = await reader.getTop({}, call);
    return (top.position?.epoch ?? 0n) > (before.position?.epoch ?? 0n) && !top.stale ? top : undefined;
  });
  expect(after.entries).toHaveLength(5);
  expect(after.entries).toEqual(before.entries);
});

it('holds in the index exactly what Postgres holds, for every player, in value and order', async () => {
  const epoch = (await world.rankAs('edge').getTop({}, call)).position?.epoch ?? 0n;
  const truth =
    await sql`select user_id, points from scores where leaderboard = 'global' order by points desc, reached, user_id`;
  const flat = (await redis.zrange(`sb:${epoch}:global:order`, '0', '-1', 'WITHSCORES')) as string[];
  const index = Array.from({ length: flat.length / 2 }, (_, n) => ({
    user_id: flat[2 * n]?.slice(14),
    points: BigInt((flat[2 * n + 1] ?? '').replace('-', '')),
  }));
  expect(index).toHaveLength(5);
  expect(index).toEqual(truth.map(({ user_id, points }) => ({ user_id, points })));
});
