/**
 * Postgres for tests. initdb takes seconds, so tests start from a copy of one cluster that the run makes once
 * (`postgres-template.ts`). The product finds a cluster in its folder and reuses it, as it does at a second start.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerOptions } from '../../../dev/servers/child-server.ts';
import { type PostgresServer, startPostgresServer } from '../../../dev/servers/postgres-server.ts';

const run = promisify(execFile);

/** The folder of the cluster that is copied. Without it, outside of vitest, initdb runs as in production. */
export const TEMPLATE_VARIABLE = 'POSTGRES_TEMPLATE';

/** Puts a cluster, and the file with its password, into a folder that has none. */
export async function placeCluster(dataDir: string): Promise<void> {
  const template = process.env[TEMPLATE_VARIABLE];
  if (template === undefined) return;
  // Postgres runs as another user, who has to get through.
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  // Not by Node: the files belong to that user, and cp keeps owners.
  await run('cp', ['-a', join(template, 'cluster'), join(template, 'password'), dataDir]);
}

/** A private Postgres on a cluster of its own. */
export async function startTestPostgres(options: ServerOptions): Promise<PostgresServer> {
  await placeCluster(options.dataDir);
  return startPostgresServer(options);
}
