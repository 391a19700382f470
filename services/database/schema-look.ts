/**
 * Looks at a schema before anything is changed in it: which migrations it has, and whether something in it has a name of ours
 * that no migration of ours made. Such a schema belongs to another product, and is refused.
 */
import type { Sql } from '../shared/stores/postgres/postgres.ts';

export interface Migration {
  /** The name of its file. */
  readonly name: string;
  readonly text: string;
}

/** The schema is not ours, or not whole. The message is one line for the operator. */
export class UnfitSchemaError extends Error {
  override readonly name = 'UnfitSchemaError';
}

/** The record of applied migrations. */
export const RECORD = 'schema_migrations';
const RECORD_COLUMNS = 'applied_at,name';
/** A record without it is another product's. */
const FIRST = '0001_initial.sql';

/** What our migrations create, and the catalog's word for each. */
const CREATED =
  /^create (?:or replace )?(?:unique )?(table|sequence|index|type|function)(?: if not exists)? "?(\w+)"?/gim;
const DROPPED = /^drop table(?: if exists)? "?(\w+)"?/gim;

interface Found {
  readonly kind: string;
  readonly name: string;
}

/** Returns the names of the applied migrations, in order. Throws UnfitSchemaError if the schema is another product's. */
export async function lookAtSchema(
  sql: Sql,
  schema: string,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const found = await sql<Found[]>`
    select case c.relkind when 'S' then 'sequence' when 'i' then 'index' when 'I' then 'index' when 'c' then 'type'
           when 'v' then 'view' when 'm' then 'view' else 'table' end as kind, c.relname::text as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${schema}
    union all
    select 'function', p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema}
    union all
    select 'type', t.typname::text from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where n.nspname = ${schema} and t.typtype in ('d', 'e', 'r') order by 1 desc, 2`;
  const applied = await readRecord(sql, schema, found);
  if (applied.length > 0 && !applied.includes(FIRST)) throw foreign(schema, { kind: 'table', name: RECORD });
  for (const name of applied) {
    if (!migrations.some((migration) => migration.name === name))
      throw new UnfitSchemaError(
        `the schema ${schema} has migration ${name}, which this version does not know: start the version that made it, or a later one`,
      );
  }
  const isApplied = ({ name }: Migration) => applied.includes(name);
  const ours = createdBy(migrations.filter(isApplied));
  const missing = [...ours.tables].find((name) => !found.some((each) => each.name === name));
  if (missing !== undefined) throw foreign(schema, { kind: 'table', name: RECORD });
  const wanted = createdBy(migrations.filter((migration) => !isApplied(migration))).names;
  const stranger = found.find(({ name }) => wanted.has(name) && !ours.names.has(name));
  if (stranger !== undefined) throw foreign(schema, stranger);
  return applied;
}

/** The applied migrations; none if there is no record, or an empty one of ours that a failed start left behind. */
async function readRecord(sql: Sql, schema: string, found: readonly Found[]): Promise<readonly string[]> {
  const record = found.find(({ name }) => name === RECORD);
  if (record === undefined) return [];
  const [row] = await sql<{ columns: string | null }[]>`
    select string_agg(a.attname, ',' order by a.attname) as columns from pg_attribute a
    join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${RECORD} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`;
  if (row?.columns !== RECORD_COLUMNS) throw foreign(schema, record);
  const rows = await sql<{ name: string }[]>`
    select name::text as name from ${sql(schema)}.${sql(RECORD)} order by 1`;
  return rows.map(({ name }) => name);
}

/** Exported for its tests. */
export function createdBy(migrations: readonly Migration[]): {
  names: ReadonlySet<string>;
  tables: ReadonlySet<string>;
} {
  const created = migrations.flatMap(({ text }) => [...text.matchAll(CREATED)]);
  const dropped = new Set(
    migrations.flatMap(({ text }) => [...text.matchAll(DROPPED)].map(([, name]) => name)),
  );
  const named = (kinds: RegExp) =>
    new Set(created.flatMap(([, kind = '', name]) => (name !== undefined && kinds.test(kind) ? name : [])));
  return {
    names: named(/./),
    tables: new Set([...named(/^table$/i)].filter((name) => !dropped.has(name))),
  };
}

/**
 * The schema of our tables to which the database or the user has set the search path, if it is not this one. Before DATABASE_SCHEMA
 * existed, that chose the schema.
 */
export async function findFormerSchema(sql: Sql, schema: string): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    select n.nspname::text as name from pg_namespace n
    where n.nspname <> ${schema}
      and 2 = (select count(*) from pg_class c
               where c.relnamespace = n.oid and c.relkind = 'r' and c.relname in (${RECORD}, 'rank_index'))
      and exists (
        select from pg_db_role_setting s cross join unnest(s.setconfig) as config
        where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
          and s.setrole in (0, (select r.oid from pg_roles r where r.rolname = current_user))
          and config like 'search_path=%'
          and (n.nspname = any (regexp_split_to_array(substr(config, 13), '[", ]+'))
               or (n.nspname = current_user and config like '%$user%')))`;
  return row?.name;
}

function foreign(schema: string, { kind, name }: Found): UnfitSchemaError {
  return new UnfitSchemaError(
    `the schema ${schema} has a ${kind} "${name}" of another product; nothing was changed: set DATABASE_SCHEMA to another name, such as scoreboard, and the schema is created`,
  );
}
