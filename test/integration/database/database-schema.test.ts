/** The migrate step in a database that other products, or other scoreboards, use too. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rolesCanConnect } from '../../../dev/servers/given-database.ts';
import type { PostgresServer } from '../../../dev/servers/postgres-server.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { withPassword } from '../../../services/shared/settings/env.ts';
import { roleUrl } from '../../../services/shared/stores/postgres/database-roles.ts';
import { connectPostgres, type Sql, sqlCode } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';

const log = createSilentLog();
const passwords = { score: 'one-password', rank: 'a-third', auth: 'another' };
let dir: string;
let server: PostgresServer;
let databases = 0;
let schemas = 0;
const open: Sql[] = [];

function connect(url: string, schema?: string): Sql {
  const sql = connectPostgres({
    ...{ url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
    ...(schema !== undefined && { schema }),
  });
  open.push(sql);
  return sql;
}

/** A new database with the objects of another product. */
async function createDatabase(objects = ''): Promise<{ url: string; sql: Sql }> {
  databases += 1;
  const name = `shared_${databases}`;
  await connect(server.url).unsafe(`create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const sql = connect(url.href);
  if (objects !== '') await sql.unsafe(objects).simple();
  return { url: url.href, sql };
}

/** Everything in the database that is not Postgres' own. */
async function contentsOf(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ object: string }[]>`
    select n.nspname || '.' || c.relname as object from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not like 'pg_%' and n.nspname <> 'information_schema'
    union all
    select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname not like 'pg_%' and n.nspname <> 'information_schema'
    union all
    select nspname from pg_namespace where nspname not like 'pg_%' order by 1`;
  return rows.map(({ object }) => object);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-schema-'));
  server = await startTestPostgres({ dataDir: join(dir, 'postgres') });
});

afterAll(async () => {
  for (const sql of open) await sql.end();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('a schema with objects of another product', () => {
  const foreignRecord = 'create table schema_migrations (version bigint primary key)';
  const sameColumns = 'create table schema_migrations (name text primary key, applied_at timestamptz)';

  it.each([
    [
      'its migrations and players',
      `${foreignRecord}; create table players (id int)`,
      'table "schema_migrations"',
    ],
    ['players alone', 'create table players (id int)', 'table "players"'],
    ['migrations alone', foreignRecord, 'table "schema_migrations"'],
    [
      'a table of a later migration',
      'create table leaderboard_limits (id int)',
      'table "leaderboard_limits"',
    ],
    ['a view', 'create view scores as select 1 as points', 'view "scores"'],
    ['a sequence', 'create sequence action_positions', 'sequence "action_positions"'],
    ['an index', 'create table own (id int); create index outbox_due on own (id)', 'index "outbox_due"'],
    ['a type', "create type limit_refusal as enum ('a')", 'type "limit_refusal"'],
    ['a function', 'create function slid(int) returns int language sql return 1', 'function "slid"'],
    [
      'migrations with our columns and names of its own',
      `${sameColumns}; insert into schema_migrations values ('0001_users.sql', now())`,
      'table "schema_migrations"',
    ],
    [
      'migrations with our columns and the name of our first',
      `${sameColumns}; insert into schema_migrations values ('0001_initial.sql', now())`,
      'table "schema_migrations"',
    ],
  ])('is refused in one line and left as it is: %s', async (_, objects, named) => {
    // Schemas of one database, since a new database takes longer.
    schemas += 1;
    const schema = `foreign_${schemas}`;
    const sql = connect(server.url, schema);
    await sql.unsafe(`create schema ${schema}; ${objects}`).simple();
    const before = await contentsOf(sql);
    const error = await migrate({ url: server.url, schema, log }).then(
      () => undefined,
      (cause: Error) => cause,
    );
    expect(error?.message).toContain(`the schema ${schema} has a ${named} of another product`);
    expect(error?.message).toContain('DATABASE_SCHEMA');
    expect(error?.message).not.toContain('\n');
    expect(await contentsOf(sql)).toEqual(before);
  });

  it('does no harm beside a schema of our own', async () => {
    const { url, sql } = await createDatabase(`${foreignRecord}; create table players (id int)`);
    await migrate({ url, schema: 'scoreboard', log });
    await migrate({ url, schema: 'scoreboard', log });
    const contents = await contentsOf(sql);
    expect(contents.filter((object) => object.startsWith('public.'))).toEqual([
      'public.players',
      'public.schema_migrations',
      'public.schema_migrations_pkey',
    ]);
    expect(contents).toContain('scoreboard.players');
  });
});

describe('a schema of ours', () => {
  it('goes on from the empty record that a failed start left behind', async () => {
    const record =
      'create table schema_migrations (name text primary key, applied_at timestamptz not null default now())';
    const { url, sql } = await createDatabase(record);
    await migrate({ url, log });
    expect(await contentsOf(sql)).toContain('public.players');
  });

  it('gets all missing migrations or none', async () => {
    const { url, sql } = await createDatabase();
    await migrate({ url, log });
    await sql
      .unsafe(
        "delete from schema_migrations where name between '0006' and '0008'; drop function quarantine_name(text)",
      )
      .simple();
    // The last of the missing migrations fails.
    await sql
      .unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
      create trigger refuse before insert on schema_migrations for each row when (new.name > '0007') execute function refuse()`)
      .simple();
    const [before] = await sql`select epoch from rank_index`;
    await expect(migrate({ url, log })).rejects.toThrow('refused');
    expect(await sql`select name from schema_migrations where name between '0006' and '0008'`).toEqual([]);
    expect(await sql`select epoch from rank_index`).toEqual([before]);
    await sql`drop trigger refuse on schema_migrations`;
    await migrate({ url, log });
    expect(await sql`select name from schema_migrations where name between '0007' and '0008'`).not.toEqual(
      [],
    );
  });

  it('is migrated once by processes that start together', async () => {
    const { url, sql } = await createDatabase();
    await Promise.all(Array.from({ length: 4 }, () => migrate({ url, log })));
    const rows = await sql`select count(*)::int as n from rank_index`;
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('of a later version is left alone', async () => {
    const { url, sql } = await createDatabase();
    await migrate({ url, log });
    await sql`insert into schema_migrations (name) values ('9999_later.sql')`;
    await expect(migrate({ url, log })).rejects.toThrow('9999_later.sql');
  });

  it('that the search path of the database chose before is named, instead of a second one beside it', async () => {
    const { url, sql } = await createDatabase();
    await migrate({ url, schema: 'former', log });
    await sql.unsafe(`do $$ begin
      execute format('alter database %I set search_path = former, public', current_database()); end $$`);
    await expect(migrate({ url, log })).rejects.toThrow('set DATABASE_SCHEMA=former');
    await migrate({ url, schema: 'former', log });
    expect(await contentsOf(sql)).not.toContain('public.players');
  });
});

describe('two schemas in one database', () => {
  const as = (url: string, schema: string) =>
    connect(withPassword(roleUrl(url, 'score', schema) ?? '', passwords.score).reveal(), schema);

  it('have roles of their own, which see only their own tables', async () => {
    const { url } = await createDatabase();
    for (const schema of ['one', 'two']) {
      await migrate({ url, schema, log, roles: { passwords, ownServer: true } });
      expect(await rolesCanConnect(url, passwords, schema)).toBe(true);
    }
    const [one, two] = [as(url, 'one'), as(url, 'two')];
    await one`insert into scores (leaderboard, user_id, username, points, version, reached) values ('g', 'anna', 'anna', 1, 1, 1)`;
    expect(await one`select user_id from scores`).toEqual([{ user_id: 'anna' }]);
    expect(await two`select user_id from scores`).toEqual([]);
    expect(await two`select from one.scores`.then(() => 'read', sqlCode)).toBe('42501');
  });
});
