/** How long a row of the outbox waits, when it is dead, and who delivers it in the end, with a real Postgres. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalServer } from '../../../../dev/servers/child-server.ts';
import { migrate } from '../../../../services/database/migrate.ts';
import { createOutboxStore, type OutboxStore } from '../../../../services/score/outbox/outbox-store.ts';
import { createOutboxSweeper } from '../../../../services/score/outbox/outbox-sweeper.ts';
import { connectPostgres, type Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import {
  createPostgresPool,
  type PostgresPool,
} from '../../../../services/shared/stores/postgres/postgres-pool.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { startTestPostgres } from '../../../support/servers/test-postgres.ts';
import { waitFor } from '../../../support/wait-for.ts';

let dir: string;
let postgres: LocalServer;
let pool: PostgresPool;
let sql: Sql;
let outbox: OutboxStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-outbox-'));
  postgres = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  await migrate({ url: postgres.url, log: createSilentLog() });
  const options = { url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 };
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
const how = { error: 'no answer', minMs: 500, maxMs: 2_000, maxAttempts: 20 };
const pending = () => sql<{ wait: number; attempts: number }[]>`
  select (extract(epoch from next_attempt_at - now()) * 1000)::float8 as wait, attempts from outbox
  where state = 'pending' order by wait`;

/** Rows that failed so often, and now once more. */
async function postponeRows(attempts: number, maxAttempts: number | undefined): Promise<void> {
  await sql`delete from outbox`;
  const rows = await sql<{ id: bigint }[]>`
    insert into outbox (leaderboards, user_ids, attempts, next_attempt_at)
    select '{global}', '{ada}', ${attempts}::int, now() from generate_series(1, ${ROWS}::int) returning id`;
  await outbox.postpone(
    rows.map(({ id }) => id),
    { ...how, maxAttempts },
  );
}

test.each([0, 5, 18])(
  'rows that failed %i times wait no longer than others, each by a draw of its own',
  async (attempts) => {
    await postponeRows(attempts, how.maxAttempts);
    const waits = (await pending()).map(({ wait }) => wait);
    expect(waits).toHaveLength(ROWS);
    // A moment has passed since they were postponed.
    expect(waits[0]).toBeGreaterThan(how.minMs - 1_000);
    expect(waits.at(-1)).toBeLessThanOrEqual(how.maxMs);
    expect(waits.at(-1)).toBeGreaterThan(how.maxMs / 2);
    expect(new Set(waits.map(Math.floor)).size).toBeGreaterThan(ROWS / 4);
  },
);

test('a row is dead after its last counted attempt, and attempts without its fault are not counted', async () => {
  await postponeRows(19, undefined);
  expect(new Set((await pending()).map((row) => row.attempts))).toEqual(new Set([19]));
  await postponeRows(19, how.maxAttempts);
  expect(await sql`select distinct state, attempts, last_error from outbox`).toEqual([
    { state: 'dead', attempts: 20, last_error: 'no answer' },
  ]);
});

test('a row is due until it is claimed, and again when the clock of the database is set back', async () => {
  await sql`delete from outbox`;
  expect(await outbox.depth()).toMatchObject({ pending: 0, isDue: false });
  await sql`insert into outbox (leaderboards, user_ids, next_attempt_at) values ('{global}', '{ada}', now())`;
  expect(await outbox.depth()).toMatchObject({ pending: 1, isDue: true });
  await outbox.claim(10, 4_000);
  expect(await outbox.depth()).toMatchObject({ pending: 1, isDue: false });
  await sql`update outbox set next_attempt_at = now() + interval '1 hour'`;
  expect(await outbox.depth()).toMatchObject({ isDue: true });
  await sql`update outbox set state = 'dead'`;
  expect(await outbox.depth()).toMatchObject({ pending: 0, dead: 1, isDue: false });
});

test('a claimed row can not be claimed again during the lease, and has no attempt yet', async () => {
  await sql`delete from outbox`;
  await sql`insert into outbox (leaderboards, user_ids, next_attempt_at) values ('{global}', '{ada}', now())`;
  expect(await outbox.claim(10, 4_000)).toHaveLength(1);
  expect(await outbox.claim(10, 4_000)).toHaveLength(0);
  const [row] = await pending();
  expect(row?.attempts).toBe(0);
  expect(row?.wait).toBeGreaterThan(2_000);
});

test('a row that a killed process had postponed many times is delivered by the next one within five seconds', async () => {
  await sql`delete from outbox`;
  await sql`
    insert into outbox (leaderboards, user_ids, attempts, last_error, next_attempt_at)
    select '{global}', '{ada}', 10, 'no answer', now() from generate_series(1, ${ROWS}::int)`;
  const sweeperThat = (deliver: () => Promise<void>) =>
    createOutboxSweeper({
      ...{ outbox, hasDueRows: async () => (await outbox.depth()).isDue, everyMs: 1_000 },
      ...{ deliver, ready: () => true, onFailed: () => {}, log: createSilentLog() },
    });
  const killed = sweeperThat(() => Promise.reject(new Error('still no answer')));
  killed.start();
  await waitFor(async () => {
    const [{ untried } = { untried: ROWS }] = await sql<{ untried: number }[]>`
      select count(*)::int as untried from outbox where last_error <> 'still no answer'`;
    return untried === 0 || undefined;
  });
  await killed.stop();
  const next = sweeperThat(() => Promise.resolve());
  next.start();
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
  await next.stop();
});
