/**
 * The roles of the services in Postgres. Their names contain the names of the database and the schema, so that two scoreboards on
 * one server have separate roles. The migrate step creates them with the rights of services/database/grants.ts.
 */

import { formatParts, parseParts } from './address/parts.ts';
import { DEFAULT_SCHEMA } from './database-schema.ts';

/** The services that use the database. */
export const DATABASE_SERVICES = ['score', 'rank', 'auth'] as const;
export type DatabaseService = (typeof DATABASE_SERVICES)[number];

export type RolePasswords = Readonly<Record<DatabaseService, string>>;

/** The default schema adds nothing, so that roles keep the names that they had before there were schemas. */
export function roleName(database: string, schema: string, service: DatabaseService): string {
  const place = schema === DEFAULT_SCHEMA ? database : `${database}.${schema}`;
  return `${place}_${service}`;
}

/** The database's address for a service's own role, without a password; undefined when the address names no database. */
export function roleUrl(
  url: string,
  service: DatabaseService,
  schema: string = DEFAULT_SCHEMA,
): string | undefined {
  const parts = parseParts(url);
  // As in libpq: without a name, the database has the name of the user.
  const database = parts.database || parts.user;
  if (database === '') return undefined;
  return formatParts({ ...parts, database, user: roleName(database, schema, service), password: '' });
}
