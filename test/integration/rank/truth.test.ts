/** Ranks counted in Postgres and players packed there, beside an order and a form computed here. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { createTruthStore, type TruthStore } from '../../../services/rank/truth/truth-store.ts';
import {
  createPostgresPool,
  type PostgresPool,
} from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import type { PlayerState } from '../../../services/shared/values/board.ts';
import { unpack } from '../../fault/simulation/servers/packed.ts';
import { compareStates } from '../../fault/simulation/servers/standings.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';

let dir: string;
let postgres: LocalServer;
let pool: PostgresPool;
let truth: TruthStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-ranks-'));
  postgres = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  await migrate({ url: postgres.url, log: createSilentLog() });
  pool = createPostgresPool({
    ...{ url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  truth = createTruthStore(pool);
});

afterAll(async () => {
  await pool?.close();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});

const byUserId = (a: { userId: string }, b: { userId: string }) => (a.userId < b.userId ? -1 : 1);

const LIMIT_MS = 5_000;

test('a board that a reader made up leaves no row, and its first score is newer than what the reader saw', async () => {
  await pool.run((sql) => sql`update rank_index set source = 'postgres'`, LIMIT_MS);
  const count = async () => {
    const [row] = await pool.run(
      (sql) => sql<{ n: bigint }[]>`select count(*) n from truth_boards`,
      LIMIT_MS,
    );
    return Number(row?.n);
  };
  const before = await count();
  const made = await truth.board('made-up');
  expect(made).toMatchObject({ position: { seq: 0n }, entries: [] });
  expect(await count()).toBe(before);
  await fill([
    { leaderboard: 'made-up', userId: 'ann', username: 'Ann', points: 5n, version: 1n, reached: 1n },
  ]);
  const first = await truth.board('made-up');
  const epoch = made.position?.epoch;
  expect(first).toMatchObject({ position: { epoch, seq: 1n }, entries: [{ userId: 'ann' }] });
  // Emptied again it goes on in its own order.
  await fill([]);
  expect(await truth.board('made-up')).toMatchObject({ position: { epoch, seq: 2n }, entries: [] });
});
const MAX = 9_007_199_254_740_991n;
/** Greater positions mark players who are not on the board. */
const LATEST = MAX - 2n;

async function fill(states: readonly PlayerState[]): Promise<void> {
  await pool.run((sql) => sql`truncate scores`, LIMIT_MS);
  const rows = states.map((state) =>
    JSON.stringify(state, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  await pool.run(
    (sql) => sql`
      insert into scores (leaderboard, user_id, username, points, version, reached)
      select row->>'leaderboard', row->>'userId', row->>'username', (row->>'points')::bigint, 1, (row->>'reached')::bigint
      from json_array_elements(${`[${rows.join(',')}]`}::text::json) as row`,
    LIMIT_MS,
  );
}

/** Few different values, so that there are ties of both kinds, and the ends of the range. */
const someStates = fc.uniqueArray(
  fc.record({
    leaderboard: fc.constantFrom('global', 'other'),
    userId: fc.string({ unit: fc.constantFrom('a', 'b', 'Z', '0', '~'), minLength: 1, maxLength: 4 }),
    points: fc.oneof(fc.bigInt(0n, 3n), fc.constant(MAX)),
    reached: fc.oneof(fc.bigInt(1n, 4n), fc.constant(LATEST)),
  }),
  { selector: ({ leaderboard, userId }) => `${leaderboard} ${userId}`, minLength: 1, maxLength: 40 },
);

test('are those of the one total order, ties and all', async () => {
  await fc.assert(
    fc.asyncProperty(someStates, async (drawn) => {
      const states = drawn.map((state) => ({ ...state, username: state.userId, version: 1n }));
      await fill(states);
      for (const [leaderboard, players] of Map.groupBy(states, (state) => state.leaderboard)) {
        const ordered = [...players].sort(compareStates);
        const expected = players.map((player) => ordered.indexOf(player) + 1);
        expect(await truth.ranks(leaderboard, players)).toEqual({ ranks: expected, players: players.length });
      }
    }),
    { numRuns: 60 },
  );
});

test('are also right for a state that is not the newest', async () => {
  const state = (userId: string, points: bigint): PlayerState => ({
    ...{ leaderboard: 'global', userId, username: userId, points, version: 1n, reached: 1n },
  });
  await fill([state('ada', 9n), state('bob', 5n)]);
  expect(await truth.ranks('global', [state('bob', 10n), state('bob', 1n)])).toEqual({
    ranks: [1, 3],
    players: 2,
  });
});

test('boards follow each other in the order of their bytes, by a list and one after another', async () => {
  const names = ['a', 'B', 'b-1', 'global', 'Z9', '_x'];
  await fill(
    names.map((leaderboard) => ({
      ...{ leaderboard, userId: 'ada', username: 'ada', points: 1n, version: 1n, reached: 1n },
    })),
  );
  const walked: string[] = [];
  for (let board = await truth.boardAfter(''); board; board = await truth.boardAfter(board)) {
    walked.push(board);
  }
  expect(walked).toEqual(['B', 'Z9', '_x', 'a', 'b-1', 'global']);
  expect(await truth.leaderboards()).toEqual(walked);
  expect((await truth.knownBoards(['b', 'a', 'Z9', 'A', '', '_x'])).sort()).toEqual(['Z9', '_x', 'a']);
});

test('any number of boards are listed by statements that each read a limited number', async () => {
  const total = 12_000;
  await fill([]);
  await pool.run(
    (sql) => sql`
      insert into scores (leaderboard, user_id, username, points, version, reached)
      select 'b' || n, u, u, 1, 1, n from generate_series(1, ${total}) as n, unnest(array['ada', 'bob']) as u`,
    LIMIT_MS,
  );
  const sizes: number[] = [];
  const counted = createTruthStore({
    ...pool,
    run: async (statement, limitMs) => {
      const rows = await pool.run(statement, limitMs);
      sizes.push((rows as unknown as unknown[]).length);
      return rows;
    },
  });
  const boards = await counted.leaderboards();
  expect(boards).toEqual(Array.from({ length: total }, (_, n) => `b${n + 1}`).sort());
  expect(Math.max(...sizes)).toBeLessThanOrEqual(5_000);
});

test('players with any name are packed, each in one part of a page', async () => {
  const username = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((name) => !name.includes('\0'));
  await fc.assert(
    fc.asyncProperty(
      someStates,
      fc.array(username, { minLength: 1 }),
      fc.nat(30),
      async (drawn, names, limit) => {
        const states = drawn.map((state, at) => ({
          ...{ ...state, username: names[at % names.length] ?? '', version: 1n },
        }));
        await fill(states);
        const ids = states.filter(({ leaderboard }) => leaderboard === 'global').sort(byUserId);
        const parts = await truth.packed('global', 'Z', limit);
        const expected = ids.filter(({ userId }) => userId > 'Z').slice(0, limit);
        expect(parts.flatMap(({ packed }) => unpack('global', packed)).sort(byUserId)).toEqual(expected);
        expect(parts.map(({ players, lastUserId }) => [players, lastUserId])).toEqual(
          expected.length === 0 ? [] : [[expected.length, expected.at(-1)?.userId]],
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('a page is packed in parts that a script takes quickly, of neighbours on the board', async () => {
  const players = Array.from({ length: 2_100 }, (_, at) => ({
    ...{ leaderboard: 'global', userId: `u${at}`, username: 'u', version: 1n },
    ...{ points: BigInt((at * 7_919) % 2_100), reached: 1n },
  }));
  await fill(players);
  const parts = await truth.packed('global', '', 5_000);
  expect(parts.map(({ lastUserId }) => lastUserId)).toEqual(['u999', 'u999', 'u999']);
  const spans = parts.map(({ packed }) =>
    unpack('global', packed)
      .map(({ points }) => Number(points))
      .sort((a, b) => a - b),
  );
  const ends = spans.map((span) => [span.at(0), span.at(-1)]).sort(([a = 0], [b = 0]) => a - b);
  expect(ends).toEqual([
    [0, 99],
    [100, 1_099],
    [1_100, 2_099],
  ]);
});
