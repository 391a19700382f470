/**
 * A database of the operator's own, given as DATABASE_URL. The services come as roles of their own where its owner may
 * make roles; where not, or where the roles are in use with other passwords, all use the given address as before.
 */

import type { StorePasswords } from '../../services/provision/store-passwords.ts';
import { withPassword } from '../../services/shared/settings/env.ts';
import type { Secret } from '../../services/shared/settings/secret.ts';
import { DATABASE_SERVICES, roleUrl } from '../../services/shared/stores/database-roles.ts';
import { connectPostgres } from '../../services/shared/stores/postgres.ts';

const LIMIT_MS = 3_000;

/** Whether every service can come as its own role. */
export async function rolesCanConnect(url: string, passwords: StorePasswords<'postgres'>): Promise<boolean> {
  const answers = DATABASE_SERVICES.map(async (service) => {
    const address = roleUrl(url, service);
    return address !== undefined && (await canConnect(withPassword(address, passwords[service])));
  });
  return (await Promise.all(answers)).every((answer) => answer);
}

async function canConnect(url: Secret): Promise<boolean> {
  const sql = connectPostgres({
    ...{ url, connections: 1, applicationName: 'scoreboard-local', statementTimeoutMs: LIMIT_MS },
  });
  try {
    // A right that every service has, beyond being let in.
    const [row] = await sql<{ usable: boolean }[]>`select current_schema() is not null as usable`;
    return row?.usable === true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
