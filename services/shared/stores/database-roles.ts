/**
 * Who a service is in Postgres. The roles carry the name of their database, so that two scoreboards on one server have
 * roles of their own; the migrate step makes them, and gives each what services/database/grants.ts says.
 */

/** The services with a way into the database. */
export const DATABASE_SERVICES = ['score', 'rank', 'auth'] as const;
export type DatabaseService = (typeof DATABASE_SERVICES)[number];

export type RolePasswords = Readonly<Record<DatabaseService, string>>;

export function roleName(database: string, service: DatabaseService): string {
  return `${database}_${service}`;
}

/** The database's address for a service's own role, without a password; undefined when the address can't be read as one. */
export function roleUrl(url: string, service: DatabaseService): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.hostname === '') return undefined;
  // As the library has it: without a name, the database is called like the user.
  const database = parsed.pathname.slice(1) || parsed.username;
  if (database === '') return undefined;
  parsed.pathname = `/${database}`;
  parsed.username = encodeURIComponent(roleName(decodeURIComponent(database), service));
  parsed.password = '';
  return parsed.href;
}
