/** A Postgres server of Debian's package, which brings pg_dump and pg_restore too, on data of its own. */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalServer, startChildServer } from '../../../dev/servers/child-server.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';

export interface DebianPostgres extends LocalServer {
  /** The folder of its programs. */
  readonly programs: string;
}

const run = promisify(execFile);
const VERSIONS = '/usr/lib/postgresql';

export interface DebianPostgresOptions {
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Files that are put into its data folder, with their contents. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

/** The folder is made. The administrator `postgres` needs no password. */
export async function startDebianPostgres(
  dataDir: string,
  { settings = {}, files = {} }: DebianPostgresOptions = {},
): Promise<DebianPostgres> {
  const versions = (await readdir(VERSIONS)).sort((a, b) => Number(a) - Number(b));
  const programs = join(VERSIONS, versions.at(-1) ?? '', 'bin');
  const owner = await unprivileged();
  await mkdir(dataDir, { recursive: true });
  if (owner !== undefined) await chown(dataDir, owner.uid, owner.gid);
  await chmod(dataDir, 0o700);
  const access = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'];
  await run(join(programs, 'initdb'), ['-D', dataDir, ...access], { cwd: '/', ...owner });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(dataDir, name), content, { mode: 0o600 });
    if (owner !== undefined) await chown(join(dataDir, name), owner.uid, owner.gid);
  }
  const url = (port: number) => `postgres://postgres@127.0.0.1:${port}/postgres`;
  const server = await startChildServer({
    name: 'Postgres',
    command: join(programs, 'postgres'),
    install: 'apt-get install postgresql',
    spawn: owner ?? {},
    args: (port) => [
      ...['-D', dataDir, '-p', String(port)],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url,
    stopSignal: 'SIGINT',
    async probe(port) {
      const sql = connectPostgres({
        ...{ url: url(port), connections: 1, applicationName: 'probe', statementTimeoutMs: 2_000 },
      });
      try {
        await sql`select 1`;
      } finally {
        await sql.end({ timeout: 1 });
      }
    },
  });
  return { ...server, programs };
}

/** Postgres refuses to run as root. */
export async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [{ stdout: uid }, { stdout: gid }] = await Promise.all([
    run('id', ['-u', 'nobody']),
    run('id', ['-g', 'nobody']),
  ]);
  return { uid: Number(uid), gid: Number(gid) };
}
