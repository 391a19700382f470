/** Pages of a board from a real Redis and a real Postgres, beside an order computed here. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { startRedisServer } from '../../../dev/servers/redis-server.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { IndexDamage } from '../../../services/rank/index/damage.ts';
import { createIndexKeys } from '../../../services/rank/index/index-keys.ts';
import { createRankIndex, type RankIndex } from '../../../services/rank/index/rank-index.ts';
import { createTruthPages } from '../../../services/rank/truth/truth-pages.ts';
import {
  createPostgresPool,
  type PostgresPool,
} from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import type { OrderKey, Page, PageStart, PlayerState } from '../../../services/shared/values/board.ts';
import { compareStates, pageOf, standingsOf } from '../../fault/simulation/servers/standings.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const EPOCH = 5n;
const LIMIT_MS = 10_000;
const MAX = 2n ** 53n - 1n;
const FIRST: PageStart = { at: 'rank', rank: 1 };

let dir: string;
let redisServer: LocalServer;
let postgres: LocalServer;
let redis: RedisClient;
let pool: PostgresPool;
let index: RankIndex;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-pages-'));
  [redisServer, postgres] = await Promise.all([
    startRedisServer({ dataDir: join(dir, 'redis') }),
    startTestPostgres({ dataDir: join(dir, 'postgres') }),
  ]);
  await migrate({ url: postgres.url, log: createSilentLog() });
  pool = createPostgresPool({
    ...{ url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  redis = connectRedis({
    ...{ url: redisServer.url, connectionName: 'test', commandTimeoutMs: LIMIT_MS },
    log: createSilentLog(),
  });
  await waitFor(() => redis.status === 'ready' || undefined);
  const place = { keys: createIndexKeys('scoreboard'), deployment: randomUUID(), at: redisServer.url };
  index = createRankIndex(redis, new IndexDamage(), place);
  await index.pointTo(EPOCH);
  index.trust((await index.identity()).connection);
});

afterAll(async () => {
  redis?.disconnect();
  await pool?.close();
  await Promise.all([redisServer?.stop(), postgres?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

interface Source {
  put(states: readonly PlayerState[]): Promise<void>;
  page(leaderboard: string, start: PageStart, limit: number): Promise<Page | null | undefined>;
}

const SOURCES: Readonly<Record<string, Source>> = {
  Redis: {
    async put(states) {
      for (const [board, players] of Map.groupBy(states, ({ leaderboard }) => leaderboard)) {
        await index.project(EPOCH, board, players);
      }
    },
    page: (leaderboard, start, limit) => index.page(EPOCH, leaderboard, start, limit),
  },
  Postgres: {
    async put(states) {
      const rows = JSON.stringify(states, (_, value) => (typeof value === 'bigint' ? String(value) : value));
      await pool.run(
        (sql) => sql`
          insert into scores (leaderboard, user_id, username, points, version, reached)
          select row->>'leaderboard', row->>'userId', row->>'username', (row->>'points')::bigint,
            (row->>'version')::bigint, (row->>'reached')::bigint
          from json_array_elements(${rows}::text::json) as row
          on conflict (leaderboard, user_id) do update
            set points = excluded.points, version = excluded.version, reached = excluded.reached`,
        LIMIT_MS,
      );
    },
    // Readers who begin at the top share a reading for a moment: each asks anew here.
    page: (leaderboard, start, limit) => createTruthPages(pool).page(leaderboard, start, limit),
  },
};

/** Few values, so that there are ties of both kinds, and the ends of the range; negative ones are of boards where less is better. */
const points = fc.oneof(fc.bigInt(-2n, 2n), fc.constantFrom(MAX, -MAX));
/** The greatest that is no mark of a player who is not on the board. */
const reached = fc.oneof(fc.bigInt(1n, 3n), fc.constant(MAX - 2n));
const userId = fc.string({ unit: fc.constantFrom('a', 'b', 'Z', '0', '~', '-'), minLength: 1, maxLength: 3 });
const players = fc.uniqueArray(fc.record({ userId, points, reached }), {
  selector: ({ userId: id }) => id,
  maxLength: 25,
});
const key = fc.record({ points, reached, userId });

const stateOf = (leaderboard: string, drawn: OrderKey, version = 1n): PlayerState => ({
  ...{ leaderboard, username: `Name of ${drawn.userId}`, version },
  ...drawn,
});

describe.each(Object.entries(SOURCES))('a page from %s', (_, source) => {
  it('has the entries of the one total order at their ranks, wherever it begins', async () => {
    await fc.assert(
      fc.asyncProperty(
        players,
        key,
        fc.nat(30),
        fc.integer({ min: 1, max: 9 }),
        async (drawn, gone, rank, limit) => {
          const board = randomUUID();
          const states = drawn.map((each) => stateOf(board, each));
          await source.put(states);
          const ordered = [...states].sort(compareStates);
          const starts: PageStart[] = [
            { at: 'rank', rank: rank + 1 },
            { at: 'after', key: gone },
            ...states.slice(0, 3).map((each): PageStart => ({ at: 'around', userId: each.userId })),
            ...states.slice(0, 3).map(
              ({ points: p, reached: r, userId: u }): PageStart => ({
                ...{ at: 'after', key: { points: p, reached: r, userId: u } },
              }),
            ),
            { at: 'around', userId: 'nobody' },
          ];
          for (const start of starts) {
            expect(await source.page(board, start, limit)).toEqual(pageOf(ordered, start, limit));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows each player who does not move exactly once, in order, wherever the others move meanwhile', async () => {
    const step = fc.record({ limit: fc.integer({ min: 1, max: 6 }), moves: fc.array(key, { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(players, fc.array(step, { minLength: 12, maxLength: 12 }), async (drawn, steps) => {
        const board = randomUUID();
        const states = new Map(drawn.map((each) => [each.userId, stateOf(board, each)]));
        await source.put([...states.values()]);
        const unmoved = new Set(states.keys());
        const shown: string[] = [];
        let start: PageStart = FIRST;
        for (const { limit, moves } of [...steps, { limit: 100, moves: [] }]) {
          const page = await source.page(board, start, limit);
          for (const entry of page?.entries ?? []) shown.push(entry.userId);
          if (page?.last === undefined) break;
          start = { at: 'after', key: page.last };
          const moved = moves.map((move, at) => stateOf(board, move, BigInt(at) + 2n));
          // One write for each, as for the actions of one player after another.
          for (const state of moved) {
            const before = states.get(state.userId);
            const after = { ...state, version: (before?.version ?? 0n) + 1n };
            await source.put([after]);
            states.set(after.userId, after);
            unmoved.delete(after.userId);
          }
        }
        const expected = [...states.values()]
          .filter((state) => unmoved.has(state.userId))
          .sort(compareStates);
        expect(shown.filter((id) => unmoved.has(id))).toEqual(expected.map((state) => state.userId));
      }),
      { numRuns: 40 },
    );
  });
});

it('some players from Redis come at their ranks, and those without a score are left out', async () => {
  const asked = fc.uniqueArray(userId, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(players, asked, async (drawn, userIds) => {
      const board = randomUUID();
      const states = drawn.map((each) => stateOf(board, each));
      await SOURCES.Redis?.put(states);
      const expected = standingsOf([...states].sort(compareStates), userIds);
      expect(await index.standings(EPOCH, board, userIds)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
  expect(await index.standings(EPOCH + 1n, 'global', ['ada'])).toBeUndefined();
});

it('a page is of no board that Redis does not hold', async () => {
  expect(await index.page(EPOCH + 1n, 'global', FIRST, 10)).toBeUndefined();
});

it('finds the place behind a player who left it among many equals, and far down', async () => {
  const board = 'large';
  const count = 3_000;
  const states = Array.from({ length: count }, (_, at) =>
    stateOf(board, { userId: `p${String(at).padStart(5, '0')}`, points: at < 1_000 ? 9n : 0n, reached: 7n }),
  );
  for (let from = 0; from < count; from += 500) await SOURCES.Redis?.put(states.slice(from, from + 500));
  await SOURCES.Postgres?.put(states);
  for (const source of Object.values(SOURCES)) {
    for (const gone of ['p02500x', 'p02500']) {
      const start: PageStart = { at: 'after', key: { points: 0n, reached: 7n, userId: gone } };
      const page = await source.page(board, start, 3);
      expect(page).toMatchObject({
        players: count,
        entries: [{ userId: 'p02501', rank: 2_502 }, { rank: 2_503 }, { rank: 2_504 }],
        last: { userId: 'p02503' },
      });
    }
  }
});
