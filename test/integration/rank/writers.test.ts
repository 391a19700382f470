/**
 * Which transactions a rebuild of the rank index waits for. A writer is paused in the middle of its statement by a trigger, so
 * its snapshot is older than the build; all others only have a transaction open.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type PostgresServer, startPostgresServer } from '../../../dev/servers/postgres-server.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { awaitWriters } from '../../../services/rank/rebuild/await-writers.ts';
import { createEpochStore, type EpochStore } from '../../../services/rank/rebuild/epoch-store.ts';
import { createAcceptStore } from '../../../services/score/accept/accept-store.ts';
import { createLimitedStore } from '../../../services/score/limits/limited-store.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import {
  createPostgresPool,
  type PostgresPool,
} from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { SUM } from '../../support/doubles/boards-of.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const LIMIT_MS = 20_000;
const LEASE_MS = 5_000;
const GATE = 4_711;
const session = { connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 };
let dir: string;
let server: PostgresServer;
/** Of the owner of the tables. */
let sql: Sql;
let pool: PostgresPool;
let epochs: EpochStore;
let used = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-writers-'));
  server = await startTestPostgres({ dataDir: dir });
  const settings = connectPostgres({ url: server.url, ...session });
  // It takes effect at the next start.
  await settings`alter system set max_prepared_transactions = 4`;
  await settings.end();
  await server.stop();
  server = await startPostgresServer({ dataDir: dir, port: server.port });
  await migrate({ url: server.url, log: createSilentLog(), roles: server.roles });
  sql = connectPostgres({ url: server.url, ...session });
  await sql.unsafe(`
    create table elsewhere (id int);
    create function wait_at_gate() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${GATE});
      return null;
    end
    $$;
    create trigger gate after insert on scores for each statement execute function wait_at_gate();
    grant execute on function wait_at_gate() to public;
    insert into leaderboard_limits (leaderboard, kind, max_points) values ('ruled', '', 100)`);
  pool = createPostgresPool({ url: server.urlAs('score'), ...session, connections: 4 });
  epochs = createEpochStore(pool);
});

beforeEach(async () => {
  const { building } = await epochs.read();
  if (building !== undefined) await epochs.abandonBuild(building);
});

afterAll(async () => {
  await pool?.close();
  await sql?.end();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function announce(): Promise<bigint> {
  const announced = await epochs.announceBuild((await epochs.read()).epoch, LEASE_MS);
  if (announced === undefined) throw new Error('nothing was announced');
  return announced;
}

/** A transaction that stays open until it is ended. */
async function openTransaction(statements: string, url = server.url): Promise<{ end(): Promise<void> }> {
  const foreign = connectPostgres({ url, ...session });
  await foreign.unsafe(`begin; ${statements}`).simple();
  return { end: () => foreign.end() };
}

const action = (leaderboard: string) => {
  used += 1;
  const userId = `player-${used}`;
  const points = { leaderboard, userId, points: 5n };
  return { ...points, board: SUM, actionId: `a${used}`, username: '', keyId: 'k1', caller: 'game' };
};
const lanes = {
  'free of limits': async () => {
    const one = action('global');
    const place = { pointsAfter: 0n, actionsAfter: 0 };
    const { operator } = one.board;
    const total = { ...one, operator, actions: 1, reachedAt: 1 };
    return createAcceptStore(pool).insert([total], [{ ...one, operator, ...place }], LIMIT_MS);
  },
  'with limits': async () => (await createLimitedStore(pool).accept([action('ruled')], LIMIT_MS))?.batch,
};

test.each(Object.entries(lanes))(
  'an accepting statement that began before the build and is not committed yet is waited for: %s',
  async (_, accept) => {
    const gate = await openTransaction(`select pg_advisory_xact_lock(${GATE})`);
    const accepting = accept();
    await waitFor(async () => {
      const [row] = await sql<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted`;
      return row?.waiting === 1 || undefined;
    });
    await announce();
    let [looks, isOver] = [0, false];
    const waiting = awaitWriters(() => {
      looks += 1;
      return epochs.listWriters();
    }, AbortSignal.timeout(LIMIT_MS)).then(() => {
      isOver = true;
    });
    await waitFor(() => looks >= 3 || undefined);
    expect(isOver).toBe(false);
    await gate.end();
    await waiting;
    // It committed without having heard of the build: what it wrote is for the filling to find.
    expect(await accepting).toMatchObject({ index: { building: undefined }, outboxId: expect.any(BigInt) });
  },
);

test.each([
  ['in another database', 'select pg_current_xact_id()', 'postgres'],
  ['that writes to another table', 'insert into elsewhere values (1)', 'scoreboard'],
  [
    'that reads everything, as a dump does',
    'set transaction isolation level serializable; select pg_current_xact_id(); lock table outbox in access share mode',
    'scoreboard',
  ],
  [
    'that is prepared and has no session',
    "insert into elsewhere values (1); prepare transaction 'forgotten'",
    'scoreboard',
  ],
])('a foreign transaction is not waited for: one %s', async (_, statements, database) => {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const foreign = await openTransaction(statements, url.href);
  const building = await announce();
  await awaitWriters(epochs.listWriters, AbortSignal.timeout(LIMIT_MS));
  expect(await epochs.read()).toMatchObject({ building });
  await foreign.end();
  for (const { gid } of await sql<{ gid: string }[]>`select gid from pg_prepared_xacts`)
    await sql.unsafe(`rollback prepared '${gid}'`);
});

test('a transaction that another client keeps open over the outbox is named when the limit is reached', async () => {
  const foreign = await openTransaction(
    `insert into outbox (leaderboards, user_ids, next_attempt_at) values ('{}', '{}', now());
     prepare transaction 'forgotten'`,
  );
  await announce();
  await expect(awaitWriters(epochs.listWriters, AbortSignal.timeout(LIMIT_MS))).rejects.toThrow(
    /outbox after 3000 ms: prepared transaction \S+$/,
  );
  await sql`rollback prepared 'forgotten'`;
  await foreign.end();
});

test('one of two announcements of a build beside the same epoch succeeds, and none beside an epoch that no longer counts', async () => {
  const { epoch } = await epochs.read();
  const announced = await Promise.all([1, 2].map(() => epochs.announceBuild(epoch, LEASE_MS)));
  const [building] = announced.filter((each) => each !== undefined);
  expect(announced.filter((each) => each === undefined)).toHaveLength(1);
  expect(await epochs.finishBuild(building ?? 0n, 'r1')).toBe(true);
  expect(await epochs.announceBuild(epoch, LEASE_MS)).toBeUndefined();
});
