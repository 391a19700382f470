/**
 * Creates the services' roles and grants them exactly the rights of grants.ts. Each migration does so in one transaction, so a
 * running service never lacks a right that it keeps.
 */
import {
  DATABASE_SERVICES,
  type DatabaseService,
  type RolePasswords,
  roleName,
} from '../shared/stores/postgres/database-roles.ts';
import { searchPath } from '../shared/stores/postgres/database-schema.ts';
import type { Sql } from '../shared/stores/postgres/postgres.ts';
import { ROLE_SETTINGS } from '../shared/stores/postgres/postgres-session.ts';
import { grantStatements } from './grants.ts';
import { scramVerifier } from './scram.ts';

export interface RoleOptions {
  readonly passwords: RolePasswords;
  /**
   * True for a server that belongs to this deployment: all roles get these passwords. On a shared server an existing role may
   * be in use with another password, and keeps it.
   */
  readonly ownServer: boolean;
}

/** Shares of the server's connections, so that a faulty service leaves some for the others and for the operator. */
const SHARE_OF_CONNECTIONS: Readonly<Record<DatabaseService, number>> = {
  score: 0.4,
  rank: 0.3,
  auth: 0.15,
};
/** The default where a connection sets no statement_timeout of its own. */
const STATEMENT_LIMIT_MS = 10_000;
/** No service keeps a transaction open. */
const IDLE_TRANSACTION_LIMIT_MS = 5_000;
/** Postgres truncates longer names. */
const LONGEST_NAME_BYTES = 63;

export async function applyRoles(
  sql: Sql,
  schema: string,
  { passwords, ownServer }: RoleOptions,
): Promise<void> {
  const [facts] = await sql<{ database: string; connections: number; present: string }[]>`
    select current_database() as database,
           current_setting('max_connections')::int as connections,
           (select coalesce(json_agg(rolname), '[]')::text from pg_roles) as present`;
  if (facts === undefined) throw new Error('Postgres returned no settings');
  const { database, connections } = facts;
  const present = new Set(JSON.parse(facts.present) as string[]);
  const roles = Object.fromEntries(
    DATABASE_SERVICES.map((service) => [service, name(roleName(database, schema, service))]),
  ) as Record<DatabaseService, string>;

  // On a shared server an existing role is left as it is; granting it rights needs only the owner of the tables.
  const ours = DATABASE_SERVICES.filter(
    (service) => ownServer || !present.has(roleName(database, schema, service)),
  );
  const changed = ours.flatMap((service) => {
    const role = roles[service];
    const share = Math.max(1, Math.floor(connections * SHARE_OF_CONNECTIONS[service]));
    return [
      ...(present.has(roleName(database, schema, service)) ? [] : [`create role ${role}`]),
      `alter role ${role} login noinherit connection limit ${share} password '${scramVerifier(passwords[service])}'`,
      `alter role ${role} set search_path = ${searchPath(schema)}`,
      // What a connection of our own sets for itself, for connections through a pooler, which may not.
      ...ROLE_SETTINGS.map(([setting, value]) => `alter role ${role} set ${setting} = '${value}'`),
      `alter role ${role} set statement_timeout = ${STATEMENT_LIMIT_MS}`,
      `alter role ${role} set idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_LIMIT_MS}`,
    ];
  });
  // Other applications of a shared database may need temporary tables.
  const revoked = ownServer ? [`revoke temporary on database ${name(database)} from public`] : [];
  // Behind a pooler the session has another search path.
  const path = `set local search_path = ${searchPath(schema)}`;
  const statements = [path, ...changed, ...revoked, ...grantStatements(roles, name(schema))];
  await sql.unsafe(`begin; ${statements.join('; ')}; commit;`).simple();
}

function name(text: string): string {
  if (Buffer.byteLength(text) > LONGEST_NAME_BYTES) {
    throw new Error(
      `the name ${text} is longer than ${LONGEST_NAME_BYTES} bytes: give the database or its schema a shorter one`,
    );
  }
  return `"${text.replaceAll('"', '""')}"`;
}
