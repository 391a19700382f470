/** PgBouncer in transaction mode before a Postgres, with Debian's defaults for everything else. */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../dev/host/ports.ts';
import { type LocalServer, startChildServer } from '../../../dev/servers/child-server.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { unprivileged } from './debian-postgres.ts';

export interface PgBouncerOptions {
  readonly dataDir: string;
  /** The server behind it, whose administrator needs no password. */
  readonly postgresPort: number;
  /** Sessions at the server. */
  readonly sessions?: number;
}

/** The address leads to the database `postgres`. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<LocalServer> {
  const { dataDir, postgresPort, sessions = 20 } = options;
  const owner = await unprivileged();
  await mkdir(dataDir, { recursive: true });
  const [config, users] = [join(dataDir, 'pgbouncer.ini'), join(dataDir, 'userlist.txt')];
  await writeFile(users, '"postgres" ""\n');
  const write = (port: number) =>
    writeFile(
      config,
      `[databases]
* = host=127.0.0.1 port=${postgresPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${sessions}
unix_socket_dir =
`,
    );
  if (owner !== undefined) await chown(dataDir, owner.uid, owner.gid);
  const port = await freePort();
  await write(port);
  const url = (at: number) => `postgres://postgres@127.0.0.1:${at}/postgres`;
  return startChildServer({
    ...{ name: 'PgBouncer', command: '/usr/sbin/pgbouncer', install: 'apt-get install pgbouncer', port, url },
    spawn: owner ?? {},
    args: () => [config],
    stopSignal: 'SIGTERM',
    async probe(at) {
      const sql = connectPostgres({
        ...{ url: `${url(at)}?pgbouncer=true`, connections: 1, applicationName: 'probe' },
        statementTimeoutMs: 2_000,
      });
      try {
        await sql`select 1`;
      } finally {
        await sql.end({ timeout: 1 });
      }
    },
  });
}
