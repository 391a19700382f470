/**
 * Makes the services' roles and gives them exactly the rights of grants.ts, in one transaction, at each migration: a
 * running service never finds itself without a right that it keeps.
 */
import {
  DATABASE_SERVICES,
  type DatabaseService,
  type RolePasswords,
  roleName,
} from '../shared/stores/database-roles.ts';
import type { Sql } from '../shared/stores/postgres.ts';
import { grantStatements } from './grants.ts';
import { scramVerifier } from './scram.ts';

export interface RoleOptions {
  readonly passwords: RolePasswords;
  /**
   * The server is ours: roles get these passwords in any case. On somebody else's server a role that is there already may
   * be in use with a password of another's choice, and keeps it.
   */
  readonly ownServer: boolean;
}

/** Of the connections that the server allows, so that one service that runs wild leaves the others some, and the operator too. */
const SHARE_OF_CONNECTIONS: Readonly<Record<DatabaseService, number>> = {
  score: 0.4,
  rank: 0.3,
  auth: 0.15,
};
/** Behind the services' own limits, which are all shorter: for what they might leave behind. */
const STATEMENT_LIMIT_MS = 10_000;
/** No service holds a transaction open. */
const IDLE_TRANSACTION_LIMIT_MS = 5_000;
/** Longer names would be cut by Postgres. */
const LONGEST_NAME_BYTES = 63;

export async function applyRoles(sql: Sql, { passwords, ownServer }: RoleOptions): Promise<void> {
  const [facts] = await sql<{ database: string; schema: string; connections: number; present: string }[]>`
    select current_database() as database, current_schema() as schema,
           current_setting('max_connections')::int as connections,
           (select coalesce(json_agg(rolname), '[]')::text from pg_roles) as present`;
  if (facts === undefined) throw new Error('Postgres told nothing about itself');
  const { database, schema, connections } = facts;
  const present = new Set(JSON.parse(facts.present) as string[]);
  const roles = Object.fromEntries(
    DATABASE_SERVICES.map((service) => [service, name(roleName(database, service))]),
  ) as Record<DatabaseService, string>;

  // On somebody else's server a role that is there stays as it is: that takes no right but the owner's over the tables.
  const wanted = DATABASE_SERVICES.filter(
    (service) => ownServer || !present.has(roleName(database, service)),
  );
  const made = wanted.flatMap((service) => {
    const role = roles[service];
    const share = Math.max(1, Math.floor(connections * SHARE_OF_CONNECTIONS[service]));
    return [
      ...(present.has(roleName(database, service)) ? [] : [`create role ${role}`]),
      `alter role ${role} login noinherit connection limit ${share} password '${scramVerifier(passwords[service])}'`,
      `alter role ${role} set search_path = ${name(schema)}, pg_temp`,
      `alter role ${role} set statement_timeout = ${STATEMENT_LIMIT_MS}`,
      `alter role ${role} set idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_LIMIT_MS}`,
    ];
  });
  // Where others may share the database, they may need tables of the moment.
  const shut = ownServer ? [`revoke temporary on database ${name(database)} from public`] : [];
  const statements = [...made, ...shut, ...grantStatements(roles, name(schema))];
  await sql.unsafe(`begin; ${statements.join('; ')}; commit;`).simple();
}

function name(words: string): string {
  if (Buffer.byteLength(words) > LONGEST_NAME_BYTES) {
    throw new Error(
      `the name ${words} is longer than ${LONGEST_NAME_BYTES} bytes: give the database a shorter one`,
    );
  }
  return `"${words.replaceAll('"', '""')}"`;
}
