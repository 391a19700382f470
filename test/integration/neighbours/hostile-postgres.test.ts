/** A Postgres whose defaults are other than ours, in every setting that statements or their results depend on. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../services/database/migrate.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createPostgresPool } from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { checkPostgres } from '../../../services/shared/stores/postgres/start-checks.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { type DebianPostgres, startDebianPostgres } from '../../support/servers/debian-postgres.ts';

const session = { connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 };
const log = createSilentLog();
let dir: string;
let postgres: DebianPostgres;
let sql: Sql;
let stack: StackProcesses | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-hostile-'));
  // Another user runs it.
  await chmod(dir, 0o711);
  postgres = await startDebianPostgres(join(dir, 'postgres'));
  sql = connectPostgres({ url: postgres.url, ...session });
});
afterAll(async () => {
  await stack?.stop();
  await sql?.end();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});

const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${postgres.port}/${database}`;

const HOSTILE: Readonly<Record<string, string>> = {
  bytea_output: 'escape',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  standard_conforming_strings: 'off',
  extra_float_digits: '-15',
  client_encoding: 'LATIN1',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  lock_timeout: '1',
  statement_timeout: '1',
  array_nulls: 'off',
  backslash_quote: 'off',
  lc_messages: 'C',
};

it('the product accepts, ranks, seals, verifies and erases', async () => {
  await sql`create database hostile`;
  for (const [name, value] of Object.entries(HOSTILE)) {
    await sql.unsafe(`alter database hostile set ${name} = '${value}'`);
  }
  stack = await startStackProcesses({ env: { DATABASE_URL: urlOf('hostile') } });
  for (const [at, player] of ['ada', 'bob', 'cy'].entries()) {
    expect(await stack.submit(player, 'a1', 10 * (at + 1))).toMatchObject({ rank: 1 });
  }
  expect(await stack.cli(['verify'])).toMatchObject({ code: 0 });
  expect((await stack.cli(['audit', 'head'])).stdout).toMatch(/^\d+:[0-9a-f]{64}\n$/);
  expect(await stack.cli(['audit', 'erase', 'bob'])).toMatchObject({ code: 0 });
  const verdict = await stack.cli(['audit', 'verify']);
  expect(verdict).toMatchObject({ code: 0, stdout: expect.stringMatching(/^OK: .*1 players erased/) });
});

describe('a database that can not store every name', () => {
  it.each(['LATIN1', 'WIN1252', 'SQL_ASCII'])(
    '%s is refused by migrate, which leaves nothing in it',
    async (encoding) => {
      const database = `in_${encoding.toLowerCase()}`;
      await sql.unsafe(`create database ${database} encoding '${encoding}' locale 'C' template template0`);
      const url = urlOf(database);
      await expect(migrate({ url, log })).rejects.toThrow(
        new RegExp(
          `^the database has the encoding ${encoding}, which can not store every name: create one with`,
        ),
      );
      const own = connectPostgres({ url, ...session });
      const left = await own`select relname from pg_class where relnamespace = 'public'::regnamespace`;
      expect(left).toHaveLength(0);
      const pool = createPostgresPool({ url, ...session });
      await expect(checkPostgres(pool, log)).rejects.toThrow(/^the database has the encoding/);
      await Promise.all([own.end(), pool.close()]);
    },
  );
});

it('a database without triggers is refused', async () => {
  await sql`create database replica`;
  await sql`alter database replica set session_replication_role = replica`;
  const pool = createPostgresPool({ url: urlOf('replica'), ...session });
  await expect(checkPostgres(pool, log)).rejects.toThrow(/sessions as replica, without triggers/);
  await pool.close();
});

it('a database with another isolation serves sessions of our own, and is refused behind a pooler', async () => {
  await sql`create database isolated`;
  await sql`alter database isolated set default_transaction_isolation = 'repeatable read'`;
  const check = async (url: string) => {
    const pool = createPostgresPool({ url, ...session });
    try {
      await checkPostgres(pool, log);
    } finally {
      await pool.close();
    }
  };
  await check(urlOf('isolated'));
  await expect(check(`${urlOf('isolated')}?pgbouncer=true`)).rejects.toThrow(
    /transactions as repeatable read.*default_transaction_isolation = 'read committed'/,
  );
});

it('a schema that sessions behind a pooler do not look in is refused, with the line that mends it', async () => {
  await sql`create database apart`;
  const url = urlOf('apart');
  await migrate({ url, schema: 'boards', log });
  const pooled = createPostgresPool({ url: `${url}?pgbouncer=true`, schema: 'boards', ...session });
  const refused = String(await checkPostgres(pooled, log).catch(String));
  expect(refused).toContain('look for tables in the schema public, not in boards');
  await sql.unsafe(
    /run "(alter role .*;)"/
      .exec(refused)?.[1]
      ?.replace('role postgres set', 'role postgres in database apart set') ?? '',
  );
  const again = createPostgresPool({ url: `${url}?pgbouncer=true`, schema: 'boards', ...session });
  await checkPostgres(again, log);
  await Promise.all([pooled.close(), again.close()]);
});
