/** Databases of their own for what runs beside the product: same Postgres, same settings, nothing shared but the disk. */
import { migrate } from '../../../services/database/migrate.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';

const STATEMENT_TIMEOUT_MS = 10_000;

/** Answers the address of the database, created if need be. */
export async function createDatabase(serverUrl: string, name: 'conventional' | 'ceiling'): Promise<string> {
  const sql = connectPostgres({
    url: serverUrl,
    connections: 1,
    applicationName: 'scoreboard-bench',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    const found = await sql`select from pg_database where datname = ${name}`;
    if (found.length === 0) await sql.unsafe(`create database ${name}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** The product's own tables, with nobody but the ceiling writing to them. */
export async function createCeilingDatabase(serverUrl: string): Promise<string> {
  const url = await createDatabase(serverUrl, 'ceiling');
  await migrate({ url, log: createSilentLog() });
  return url;
}
