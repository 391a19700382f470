/**
 * A database that the operator gives as DATABASE_URL. If its user may create roles, each service connects as its own role. If not,
 * or if the roles exist with other passwords, all services use the given address.
 */
import type { StorePasswords } from '../../services/provision/store-passwords.ts';
import { Deadline } from '../../services/shared/flow/deadline.ts';
import type { Secret } from '../../services/shared/settings/secret.ts';
import { DATABASE_SERVICES, roleUrl } from '../../services/shared/stores/postgres/database-roles.ts';
import { DEFAULT_SCHEMA } from '../../services/shared/stores/postgres/database-schema.ts';
import { withDatabasePassword } from '../../services/shared/stores/postgres/database-url.ts';
import { openPostgres } from '../../services/shared/stores/postgres/postgres.ts';

const LIMIT_MS = 3_000;

/** Whether every service can connect as its own role. */
export async function rolesCanConnect(
  url: string,
  passwords: StorePasswords<'postgres'>,
  schema: string = DEFAULT_SCHEMA,
): Promise<boolean> {
  const answers = DATABASE_SERVICES.map(async (service) => {
    const address = roleUrl(url, service, schema);
    return (
      address !== undefined && (await canConnect(withDatabasePassword(address, passwords[service]), schema))
    );
  });
  return (await Promise.all(answers)).every((answer) => answer);
}

async function canConnect(url: Secret, schema: string): Promise<boolean> {
  const session = {
    url,
    connections: 1,
    applicationName: 'scoreboard-local',
    schema,
    statementTimeoutMs: LIMIT_MS,
  };
  const sql = await openPostgres(session, LIMIT_MS).catch(() => undefined);
  if (sql === undefined) return false;
  try {
    // A connection alone proves too little: this needs a right that every service has.
    const asking = sql<{ usable: boolean }[]>`select current_schema() is not null as usable`;
    const [row] = await Deadline.after(LIMIT_MS).race(asking);
    return row?.usable === true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
