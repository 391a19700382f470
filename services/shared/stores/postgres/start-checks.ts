/**
 * What score and rank check in Postgres before they serve. An unsafe setting is refused with one line that says how to fix
 * it. When Postgres does not answer, the service waits for it.
 */
import { AppError } from '../../errors/app-error.ts';
import type { Log } from '../../telemetry/log.ts';
import { UnfitServerError } from '../unfit-server.ts';
import { searchPath } from './database-schema.ts';
import { encodingTrouble } from './encoding.ts';
import { arrayLiteral } from './postgres.ts';
import { isRefused } from './postgres-errors.ts';
import type { PostgresPool } from './postgres-pool.ts';

export const POSTGRES_LIMIT_MS = 1_000;
const RETRY_EVERY_MS = 250;

/** With any of these off, an acknowledged score can be lost when the machine stops. */
const DURABLE_SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit'];

/** What can't be set by our connections, and must be right. */
const ENCODING = 'server_encoding';
/** With another value, triggers do not run: neither are logs append-only then, nor are batches noted. */
const TRIGGERS = { name: 'session_replication_role', setting: 'origin' };

/** With any other isolation a statement's snapshot may be older than its locks, which await-writers.ts relies on. */
const ISOLATION = { name: 'default_transaction_isolation', setting: 'read committed' };

/** Waits until Postgres answers and takes writes, and refuses one that could lose a commit. */
export async function checkPostgres(pool: PostgresPool, log: Log): Promise<void> {
  const settings = await whenItAnswers(
    () =>
      pool.run(
        (sql) => sql<{ name: string; setting: string }[]>`
          select name, setting from pg_settings where name = any(${arrayLiteral([...DURABLE_SETTINGS, ISOLATION.name, TRIGGERS.name, ENCODING])}::text[])`,
        POSTGRES_LIMIT_MS,
      ),
    log,
  );
  const settingOf = (name: string) => settings.find((each) => each.name === name)?.setting;
  const encoding = encodingTrouble(settingOf(ENCODING));
  if (encoding !== undefined) throw new UnfitServerError(encoding);
  const off = settings.filter(({ setting }) => setting === 'off').map(({ name }) => name);
  if (off.length > 0) {
    const fix = off.map((name) => `alter system set ${name} = on;`).join(' ');
    throw unfit(`with ${off.join(', ')} off and could lose an acknowledged score`, fix);
  }
  const role = settingOf(TRIGGERS.name);
  if (role !== TRIGGERS.setting) {
    const fix = `alter system set ${TRIGGERS.name} = ${TRIGGERS.setting};`;
    throw unfit(`sessions as ${role}, without triggers, and the audit log could miss actions`, fix);
  }
  const isolation = settingOf(ISOLATION.name);
  if (isolation !== ISOLATION.setting) {
    const fix = `alter system set ${ISOLATION.name} = '${ISOLATION.setting}';`;
    throw unfit(`its transactions as ${isolation}, and boards could miss a score`, fix);
  }
  await checkSchema(pool, log);
  // The start writes the epoch first.
  await whenItAnswers(() => pool.checkWritable(POSTGRES_LIMIT_MS), log);
}

/** A pooler takes no search path from a connection; the role must have it. */
async function checkSchema(pool: PostgresPool, log: Log): Promise<void> {
  const [row] = await whenItAnswers(
    () =>
      pool.run(
        (sql) => sql<{ schema: string | null; role: string }[]>`
          select current_schema() as schema, quote_ident(current_user) as role`,
        POSTGRES_LIMIT_MS,
      ),
    log,
  );
  if (row === undefined || row.schema === pool.schema) return;
  throw new UnfitServerError(
    `sessions behind the pooler look for tables in the schema ${row.schema}, not in ${pool.schema}: run "alter role ${row.role} set search_path = ${searchPath(pool.schema)};" and reconnect the pooler`,
  );
}

const unfit = (how: string, fix: string) =>
  new UnfitServerError(
    `Postgres runs ${how}: run "${fix} select pg_reload_conf();" and take it out of its command line, roles and databases`,
  );

/** Waits for a Postgres that is away. */
export async function whenItAnswers<Answer>(ask: () => Promise<Answer>, log: Log): Promise<Answer> {
  let isLogged = false;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isAway =
        error instanceof AppError && (error.kind === 'unavailable' || error.kind === 'deadline_exceeded');
      // A refusal of the user or the database has the more useful message.
      if (isAway && isRefused(error)) throw error.cause;
      if (!isAway) throw error;
      if (!isLogged) log.warn({ err: error }, 'waiting for Postgres');
      isLogged = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY_EVERY_MS));
    }
  }
}
