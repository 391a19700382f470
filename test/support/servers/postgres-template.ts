/** Global setup of vitest: makes the Postgres cluster that tests copy. Its database exists and is empty. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer } from '../../../dev/servers/postgres-server.ts';
import { TEMPLATE_VARIABLE } from './test-postgres.ts';

/** Called once for each project that runs tests; the first call makes the cluster. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[TEMPLATE_VARIABLE] !== undefined) return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-template-'));
  const server = await startPostgresServer({ dataDir: dir });
  await server.stop();
  process.env[TEMPLATE_VARIABLE] = dir;
  return async () => {
    delete process.env[TEMPLATE_VARIABLE];
    await rm(dir, { recursive: true, force: true });
  };
}
