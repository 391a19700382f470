/** Ranks counted in Postgres, beside an order computed here. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../services/database/migrate.ts';
import type { LocalServer } from '../../services/local/child-server.ts';
import { startPostgresServer } from '../../services/local/postgres-server.ts';
import type { PlayerState } from '../../services/score/board.ts';
import { createTruthStore, type TruthStore } from '../../services/score/truth-store.ts';
import { createSilentLog } from '../../services/shared/log.ts';
import { createPostgresPool, type PostgresPool } from '../../services/shared/postgres.ts';
import { compareStates } from '../fault/simulation/standings.ts';

let dir: string;
let postgres: LocalServer;
let pool: PostgresPool;
let truth: TruthStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-ranks-'));
  postgres = await startPostgresServer({ dataDir: join(dir, 'postgres') });
  await migrate({ url: postgres.url, log: createSilentLog() });
  pool = createPostgresPool({
    ...{ url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 5_000 },
  });
  truth = createTruthStore(pool);
});

afterAll(async () => {
  await pool?.close();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});

const LIMIT_MS = 5_000;
const MAX = 9_007_199_254_740_991n;

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
    reached: fc.oneof(fc.bigInt(1n, 4n), fc.constant(MAX)),
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

test('are also told of a state that is not the newest', async () => {
  const state = (userId: string, points: bigint): PlayerState => ({
    ...{ leaderboard: 'global', userId, username: userId, points, version: 1n, reached: 1n },
  });
  await fill([state('ada', 9n), state('bob', 5n)]);
  expect(await truth.ranks('global', [state('bob', 10n), state('bob', 1n)])).toEqual({
    ranks: [1, 3],
    players: 2,
  });
});
