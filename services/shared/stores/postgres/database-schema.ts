/** DATABASE_SCHEMA: the schema of this deployment's tables. Every connection looks up names there and nowhere else. */
import { type Environment, text } from '../../settings/env.ts';

/** The schema of databases that were set up before the setting existed. */
export const DEFAULT_SCHEMA = 'public';

/** Needs no quotes in SQL, and Postgres truncates longer names. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;
/** Postgres reserves these for itself. */
const RESERVED = /^(pg_.*|information_schema)$/;

export function parseSchema(env: Environment): string {
  const schema = text(env, 'DATABASE_SCHEMA');
  if (SCHEMA.test(schema) && !RESERVED.test(schema)) return schema;
  throw new Error(
    `DATABASE_SCHEMA must be 1 to 63 lower-case letters, digits and underscores, not begin with a digit or pg_, and not be information_schema; it is "${schema}"`,
  );
}

/** Quoted, since some words are reserved. Temporary objects come last, so that they can't stand in for tables. */
export function searchPath(schema: string): string {
  return `"${schema}", pg_temp`;
}
