/** The fingerprint of the subject key in Postgres: the first one stays. */
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

/** Below the two seconds that verifiers wait. */
export const FINGERPRINT_LIMIT_MS = 1_500;

export type FingerprintStore = ReturnType<typeof createFingerprintStore>;

export function createFingerprintStore(pool: Pick<PostgresPool, 'run'>) {
  return {
    /** Keeps the fingerprint if there is none yet. Returns the one that is kept; undefined if another was kept at this moment. */
    async keep(fingerprint: string): Promise<string | undefined> {
      const rows = await pool.run(
        (sql) => sql<{ fingerprint: string }[]>`
          with kept as (
            insert into subject_key (fingerprint) values (${fingerprint}) on conflict do nothing returning fingerprint
          )
          select fingerprint from kept union all select fingerprint from subject_key limit 1`,
        FINGERPRINT_LIMIT_MS,
      );
      return rows[0]?.fingerprint;
    },
  };
}
