/** Reads the identity of this deployment from Postgres, and keeps the namespace that it uses. */
import { type DeploymentId, ForeignServerError } from '../deployment.ts';
import { sqlCode } from './postgres.ts';
import type { PostgresPool } from './postgres-pool.ts';

const LIMIT_MS = 1_000;
const NO_TABLE = '42P01';
const NOT_FOUND =
  'there is no table deployment in DATABASE_SCHEMA: run the migration, and if a pooler is between, which takes no search path from a connection, run "alter role USER set search_path = SCHEMA"';

export async function readDeploymentId(pool: PostgresPool): Promise<DeploymentId> {
  const [row] = await pool
    .run((sql) => sql<{ id: DeploymentId }[]>`select id::text as id from deployment`, LIMIT_MS)
    .catch((error: unknown) => {
      throw sqlCode(error) === NO_TABLE ? new Error(NOT_FOUND, { cause: error }) : error;
    });
  if (row === undefined)
    throw new Error('the row of the table deployment is missing: restore it from a backup');
  return row.id;
}

/**
 * Refuses a database whose deployment has another namespace: two stacks with one database and two namespaces would keep two
 * indexes of it, each of which takes the other for wrong.
 */
export async function checkNamespace(pool: PostgresPool, namespace: string, schema: string): Promise<void> {
  const [row] = await pool.run(
    (sql) => sql<{ kept: string | null }[]>`select namespace as kept from deployment`,
    LIMIT_MS,
  );
  const kept = row?.kept ?? namespace;
  if (kept === namespace) return;
  throw new ForeignServerError(
    `the schema ${schema} in Postgres belongs to the deployment with NAMESPACE=${kept}, and this one has NAMESPACE=${namespace}: set DATABASE_SCHEMA to another name, or, to rename that deployment, stop it and run "update ${schema}.deployment set namespace = null"`,
  );
}

/** Keeps the namespace of a deployment that has none yet. Of two first starts with different ones, the later is refused. */
export async function keepNamespace(pool: PostgresPool, namespace: string, schema: string): Promise<void> {
  await pool.run(
    (sql) => sql`update deployment set namespace = ${namespace} where namespace is null`,
    LIMIT_MS,
  );
  await checkNamespace(pool, namespace, schema);
}
