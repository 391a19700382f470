/** Transactions of another product on the same Postgres server: a forgotten session, an analytics job, a dump that takes long. */
import { connectPostgres } from '../../../../services/shared/stores/postgres/postgres.ts';

const OPEN_LIMIT_MS = 5_000;

/** Opens one in another database and one in ours, each with a transaction id. They end after the time, or with the server. */
export async function holdForeignTransactions(databaseUrl: string, lastsMs: number): Promise<void> {
  const elsewhere = new URL(databaseUrl);
  elsewhere.pathname = '/postgres';
  for (const url of [elsewhere.href, databaseUrl]) {
    const sql = connectPostgres({
      ...{ url, connections: 1, applicationName: 'foreigner', statementTimeoutMs: OPEN_LIMIT_MS },
    });
    await sql.unsafe('begin; select pg_current_xact_id()').simple();
    setTimeout(() => void sql.end({ timeout: 1 }), lastsMs).unref();
  }
}
