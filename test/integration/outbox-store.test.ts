/** How long a row of the outbox waits, and when it is dead, as Postgres computes it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../services/database/migrate.ts';
import type { LocalServer } from '../../services/local/child-server.ts';
import { startPostgresServer } from '../../services/local/postgres-server.ts';
import { createOutboxStore, type OutboxStore } from '../../services/score/outbox-store.ts';
import { createSilentLog } from '../../services/shared/log.ts';
import {
  connectPostgres,
  createPostgresPool,
  type PostgresPool,
  type Sql,
} from '../../services/shared/postgres.ts';

let dir: string;
let postgres: LocalServer;
let pool: PostgresPool;
let sql: Sql;
let outbox: OutboxStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-outbox-'));
  postgres = await startPostgresServer({ dataDir: join(dir, 'postgres') });
  await migrate({ url: postgres.url, log: createSilentLog() });
  const options = { url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 5_000 };
  pool = createPostgresPool(options);
  sql = connectPostgres(options);
  outbox = createOutboxStore(pool);
});

afterAll(async () => {
  await sql?.end();
  await pool?.close();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});

const ROWS = 200;
const how = { error: 'no answer', minMs: 500, maxMs: 30_000, maxAttempts: 20 };

async function waitsAfter(attempts: number): Promise<number[]> {
  await sql`delete from outbox`;
  const rows = await sql<{ id: bigint }[]>`
    insert into outbox (leaderboards, user_ids, attempts, next_attempt_at)
    select '{global}', '{ada}', ${attempts}::int, now() from generate_series(1, ${ROWS}::int) returning id`;
  await outbox.postpone(
    rows.map(({ id }) => id),
    how,
  );
  const waits = await sql<{ wait: number }[]>`
    select (extract(epoch from next_attempt_at - now()) * 1000)::float8 as wait from outbox where state = 'pending'`;
  return waits.map(({ wait }) => wait).sort((a, b) => a - b);
}

test.each([
  [1, 1_000],
  [3, 4_000],
  [5, 16_000],
  [10, 30_000],
])('rows tried %i times wait up to %i ms, each by a draw of its own', async (attempts, upTo) => {
  const waits = await waitsAfter(attempts);
  expect(waits).toHaveLength(ROWS);
  // A moment has passed since they were postponed.
  expect(waits[0]).toBeGreaterThan(-1_000);
  expect(waits.at(-1)).toBeLessThanOrEqual(upTo);
  expect(waits.at(-1)).toBeGreaterThan(upTo / 2);
  expect(new Set(waits.map(Math.floor)).size).toBeGreaterThan(ROWS / 4);
});

test('a row is dead after its last attempt, unless giving up is not allowed now', async () => {
  expect(await waitsAfter(20)).toHaveLength(0);
  expect(await sql`select distinct state, last_error from outbox`).toEqual([
    { state: 'dead', last_error: 'no answer' },
  ]);
  await sql`update outbox set state = 'pending'`;
  const ids = (await sql<{ id: bigint }[]>`select id from outbox`).map(({ id }) => id);
  await outbox.postpone(ids, { ...how, maxAttempts: undefined });
  expect(await sql`select distinct state from outbox`).toEqual([{ state: 'pending' }]);
});

test('what was postponed is due at once when it is hastened, and what was never tried stays as it is', async () => {
  await waitsAfter(10);
  await sql`
    insert into outbox (leaderboards, user_ids, next_attempt_at)
    values ('{global}', '{bob}', now() + interval '1 hour')`;
  await outbox.hasten();
  expect(await sql`select from outbox where next_attempt_at <= now()`).toHaveLength(ROWS);
});
