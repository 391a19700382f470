import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { startRedisServer } from '../../../dev/servers/redis-server.ts';
import { IndexDamage } from '../../../services/rank/index/damage.ts';
import { createIndexKeys } from '../../../services/rank/index/index-keys.ts';
import { createRankIndex, type RankIndex } from '../../../services/rank/index/rank-index.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import type { PlayerState } from '../../../services/shared/values/board.ts';
import type { Network } from '../../fault/simulation/environment/network.ts';
import { IndexServer } from '../../fault/simulation/servers/index-model.ts';
import { pack } from '../../fault/simulation/servers/packed.ts';
import { waitFor } from '../../support/wait-for.ts';

const PLACE = { keys: createIndexKeys('scoreboard'), deployment: randomUUID(), at: 'redis://127.0.0.1' };
let dir: string;
let server: LocalServer;
let redis: RedisClient;
let index: RankIndex;

const ready = () => waitFor(() => redis.status === 'ready' || undefined);
const state = (userId: string, points: number, version: number, reached = version): PlayerState => ({
  ...{ leaderboard: 'global', userId, username: userId },
  ...{ points: BigInt(points), version: BigInt(version), reached: BigInt(reached) },
});
const trustPresent = async () => index.trust((await index.identity()).connection);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-index-'));
  server = await startRedisServer({ dataDir: dir });
  redis = connectRedis({
    ...{ url: server.url, connectionName: 'test', commandTimeoutMs: 10_000 },
    log: createSilentLog(),
  });
  index = createRankIndex(redis, new IndexDamage(), PLACE);
});

beforeEach(async () => {
  await ready();
  await redis.flushall();
  await index.pointTo(5n);
  await trustPresent();
});

afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

it('brings a script to a Redis that does not know it and lets it', async () => {
  await redis.script('FLUSH');
  const projected = await index.project(5n, 'global', [state('ada', 1, 1)]);
  expect(projected?.ranks).toEqual([1]);
});

it('does not serve a Redis that came back with older data under the same epoch, until it is recognised', async () => {
  await index.project(5n, 'global', [state('ada', 1, 1)]);
  await redis.save();
  await index.project(5n, 'global', [state('ada', 2, 2)]);
  const { runId } = await index.identity();
  server.kill('SIGKILL');
  await server.exited;
  server = await startRedisServer({ dataDir: dir, port: server.port });
  await ready();
  expect(await index.identity()).toMatchObject({ epoch: 5n });
  expect((await index.identity()).runId).not.toBe(runId);
  expect(await index.top(5n, 'global', 10)).toBeUndefined();
  expect(await index.project(5n, 'global', [state('ada', 2, 2)])).toBeUndefined();
  expect(await index.around(5n, 'global', 'ada', 1)).toBeUndefined();
  await trustPresent();
  expect(await index.top(5n, 'global', 10)).toMatchObject({ entries: [{ userId: 'ada', score: 1n }] });
});

it('reads a board that has not changed since it was loaded at position 1, and a first change at 2', async () => {
  expect(await index.top(5n, 'empty', 10)).toEqual({ position: { epoch: 5n, seq: 1n }, entries: [] });
  await index.load(5n, 'global', pack([state('ada', 1, 1)]));
  expect(await index.top(5n, 'global', 10)).toMatchObject({
    position: { epoch: 5n, seq: 1n },
    entries: [{ userId: 'ada' }],
  });
  const projected = await index.project(5n, 'global', [state('bob', 2, 1)]);
  expect(projected?.board?.position).toEqual({ epoch: 5n, seq: 2n });
});

it('clears away older epochs and spares those under construction', async () => {
  await index.project(5n, 'global', [state('ada', 1, 1)]);
  for (const epoch of [3n, 4n, 6n]) await index.projectShadow(epoch, 'global', [state('ada', 1, 1)]);
  await index.dropOlder(5n);
  const epochs = new Set((await redis.keys('sb:*:global:*')).map((key) => key.split(':')[1]));
  expect([...epochs].sort()).toEqual(['5', '6']);
});

it.each([
  ['is no number', () => redis.set('sb:epoch', 'nonsense')],
  ['has another type', () => redis.multi().del('sb:epoch').lpush('sb:epoch', 'nonsense').exec()],
])('a pointer that %s is replaced like a missing one', async (_, damage) => {
  await damage();
  expect(await index.identity()).toMatchObject({ epoch: undefined });
  await index.pointTo(6n);
  expect(await index.identity()).toMatchObject({ epoch: 6n });
});

it('a time at which Redis was seen that is no number is replaced like a missing one', async () => {
  await redis.set('sb:5:seen', 'nonsense');
  expect(await index.seenAt(5n)).toBe(0n);
  await index.noteSeen(5n, 7n);
  expect(await index.seenAt(5n)).toBe(7n);
});

const read = (damaged: RankIndex) => damaged.top(5n, 'global', 10);
const write = (damaged: RankIndex) => damaged.project(5n, 'global', [state('ada', 2, 2)]);

it.each([
  [
    'an order of another type',
    (key: string) => redis.multi().del(`${key}:order`).set(`${key}:order`, 'x').exec(),
    read,
  ],
  [
    'players of another type',
    (key: string) => redis.multi().del(`${key}:players`).set(`${key}:players`, 'x').exec(),
    write,
  ],
  ['a seq that is no number', (key: string) => redis.hset(`${key}:board`, 'seq', 'x', 'top', ''), write],
  ['a value that is none', (key: string) => redis.hset(`${key}:players`, 'ada', 'x'), write],
  ['a place without a player', (key: string) => redis.hdel(`${key}:players`, 'ada'), read],
] as const)('an epoch with %s does not count once a script has met it', async (_, damage, use) => {
  const damaged = createRankIndex(redis, new IndexDamage(), PLACE);
  damaged.trust((await damaged.identity()).connection);
  await damaged.project(5n, 'global', [state('ada', 1, 1)]);
  await damage('sb:5:global');
  expect(await damaged.identity()).toMatchObject({ epoch: 5n });
  await expect(use(damaged)).rejects.toThrow();
  expect(await damaged.identity()).toMatchObject({ epoch: undefined });
  await damaged.pointTo(6n);
  expect(await damaged.identity()).toMatchObject({ epoch: 6n });
});

/** Calls with small numbers, so that ties, repeats and old versions are common. */
const calls = fc.array(
  fc.record({
    // 5 counts, and 6 is under construction.
    how: fc.constantFrom('project 5', 'project 6', 'shadow 5', 'shadow 6', 'load 6'),
    players: fc.uniqueArray(
      fc.record({
        userId: fc.constantFrom('ada', 'bob', 'cy', 'dan'),
        points: fc.integer({ min: 0, max: 3 }),
        version: fc.integer({ min: 1, max: 6 }),
        reached: fc.integer({ min: 1, max: 4 }),
      }),
      { selector: ({ userId }) => userId, minLength: 1, maxLength: 3 },
    ),
  }),
  { maxLength: 15 },
);

it('does what the model of the simulation says, call by call', async () => {
  const network: Network = { troubled: false, delayMs: () => 0, call: async ({ serve }) => serve() };
  await fc.assert(
    fc.asyncProperty(calls, async (steps) => {
      await redis.flushall();
      const model = new IndexServer(network, {}).rankIndex({ alive: true });
      await Promise.all([index.pointTo(5n), model.pointTo(5n)]);
      model.trust((await model.identity()).connection);
      const compare = async (epoch: bigint) => {
        expect(await index.top(epoch, 'global', 3)).toEqual(await model.top(epoch, 'global', 3));
        expect(await index.around(epoch, 'global', 'bob', 1)).toEqual(
          await model.around(epoch, 'global', 'bob', 1),
        );
      };
      for (const { how, players } of steps) {
        const states = players.map((player) =>
          state(player.userId, player.points, player.version, player.reached),
        );
        const epoch = BigInt(how.slice(-1));
        const act = (target: RankIndex) => {
          if (how.startsWith('load')) return target.load(epoch, 'global', pack(states));
          return how.startsWith('shadow')
            ? target.projectShadow(epoch, 'global', states)
            : target.project(epoch, 'global', states);
        };
        expect(await act(index)).toEqual(await act(model));
        await compare(5n);
      }
      await Promise.all([index.pointTo(6n), model.pointTo(6n)]);
      await compare(6n);
    }),
    { numRuns: 60 },
  );
});
