/** Looks in the audit log for actions that were acknowledged. */
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';

/** The log of a whole run is read once. */
const STATEMENT_TIMEOUT_MS = 120_000;
const PAGE = 50_000;

/** How many of the actions, whose ids all begin with the prefix, are in Postgres. */
export async function countAccepted(url: string, prefix: string, ids: readonly string[]): Promise<number> {
  const wanted = new Set(ids);
  const sql = connectPostgres({
    url,
    connections: 1,
    applicationName: 'scoreboard-bench',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  let found = 0;
  try {
    const log = sql<{ action_id: string }[]>`
      select action_id from actions where action_id like ${`${prefix}-%`}`.cursor(PAGE);
    for await (const rows of log) {
      for (const { action_id } of rows) if (wanted.delete(action_id)) found += 1;
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
  return found;
}
