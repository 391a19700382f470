/** How the migrate step brings the services' roles to their rights, on our server and on somebody else's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rolesCanConnect } from '../../../dev/servers/given-database.ts';
import type { PostgresServer } from '../../../dev/servers/postgres-server.ts';
import { LISTED_OBJECTS } from '../../../services/database/grants.ts';
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
const open: Sql[] = [];

function connect(url: string): Sql {
  const options = { connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 };
  const sql = connectPostgres({ url, ...options });
  open.push(sql);
  return sql;
}

/** A database of its own, of an owner with these rights; answers the owner's address. */
async function createDatabase(name: string, rights: string): Promise<string> {
  const sql = connect(server.url);
  await sql.unsafe(`create role ${name}_owner login password 'theirs' ${rights}`);
  await sql.unsafe(`create database ${name} owner ${name}_owner`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  url.username = `${name}_owner`;
  url.password = 'theirs';
  return url.href;
}

const serviceUrl = (url: string, password: string) =>
  withPassword(roleUrl(url, 'score') ?? '', password).reveal();
const outcome = (work: PromiseLike<unknown>) => work.then(() => 'done', sqlCode);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-roles-'));
  server = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  await migrate({ url: server.url, log, roles: server.roles });
});

afterAll(async () => {
  for (const sql of open) await sql.end();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('on our own server', () => {
  it('the list of rights speaks of everything in the schema, and of nothing else', async () => {
    const rows = await connect(server.url)<{ object: string }[]>`
      select case c.relkind when 'S' then 'sequence ' else 'table ' end || c.relname as object from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
      union all
      select 'function ' || p.oid::regprocedure from pg_proc p where p.pronamespace = 'public'::regnamespace`;
    expect(rows.map(({ object }) => object).sort()).toEqual([...LISTED_OBJECTS].sort());
  });

  it('a right that a role has beyond the list is taken back, and one that it lost is given again', async () => {
    const sql = connect(server.url);
    const score = connect(server.urlAs('score'));
    await sql`grant delete on players to scoreboard_score`;
    await sql`revoke insert on actions from scoreboard_score`;
    await migrate({ url: server.url, log, roles: server.roles });
    expect(await outcome(score`delete from players`)).toBe('42501');
    await score`select nextval('action_positions')`;
    const insert = score`insert into actions select 1, 'b', 'u', 'a', 1, 1, 1, 'k', 'c' where false`;
    expect(await outcome(insert)).toBe('done');
  });

  it('a role gets the password that its service has now', async () => {
    await migrate({ url: server.url, log, roles: { passwords, ownServer: true } });
    expect(await outcome(connect(server.urlAs('score'))`select 1`)).toBe('28P01');
    expect(await outcome(connect(serviceUrl(server.url, passwords.score))`select 1`)).toBe('done');
    await migrate({ url: server.url, log, roles: server.roles });
  });

  it('no statement carries a password', async () => {
    const sql = connect(server.url);
    const [kept] = await sql<{ verifier: string }[]>`
      select rolpassword as verifier from pg_authid where rolname = 'scoreboard_score'`;
    expect(kept?.verifier).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(kept?.verifier).not.toContain(server.roles.passwords.score);
  });
});

describe("in a database of somebody else's server", () => {
  const given = { passwords, ownServer: false };

  it('roles are made where the owner may make some', async () => {
    const url = await createDatabase('willing', 'createrole');
    await migrate({ url, log, roles: given });
    expect(await rolesCanConnect(url, passwords)).toBe(true);
    const score = connect(serviceUrl(url, passwords.score));
    expect(await outcome(score`select from actions`)).toBe('done');
    expect(await outcome(score`delete from actions`)).toBe('42501');
  });

  it('a role that is there keeps its password, since another stack may live by it', async () => {
    const url = await createDatabase('shared', 'createrole');
    await migrate({ url, log, roles: given });
    const others = { score: 'of another stack', rank: 'likewise', auth: 'likewise' };
    await migrate({ url, log, roles: { passwords: others, ownServer: false } });
    expect(await rolesCanConnect(url, others)).toBe(false);
    expect(await rolesCanConnect(url, passwords)).toBe(true);
  });

  it('the schema comes all the same where the owner may make no roles', async () => {
    const url = await createDatabase('humble', '');
    await migrate({ url, log, roles: given });
    expect(await rolesCanConnect(url, passwords)).toBe(false);
    expect(await outcome(connect(url)`select from actions`)).toBe('done');
  });

  it('on a server that should be ours the same is an error', async () => {
    const url = await createDatabase('wrong', '');
    await expect(migrate({ url, log, roles: { passwords, ownServer: true } })).rejects.toThrow(
      'permission denied to create role',
    );
  });
});
