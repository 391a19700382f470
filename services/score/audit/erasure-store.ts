/** A player's removal from Postgres: one transaction, in functions of the database (migration 0003) that say what goes and what stays. */
import type { AuditLink } from '../../shared/audit-chain/audit-chain.ts';
import { type PostgresPool, sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres.ts';

export interface ErasureStore {
  /** What stands for the player in the audit chain; undefined when nothing is known of the player. */
  subject(userId: string): Promise<Uint8Array | undefined>;
  /** The boards that the player was on; undefined when another link took the number: nothing was changed then. */
  erase(userId: string, link: AuditLink): Promise<string[] | undefined>;
}

/** A player of a hundred thousand actions takes seconds; nobody else waits for it. */
export const ERASURE_LIMIT_MS = 30_000;

export function createErasureStore(pool: PostgresPool): ErasureStore {
  return {
    async subject(userId) {
      const [row] = await pool.run(
        (sql) => sql<{ commitment: Uint8Array | null }[]>`select erasure_subject(${userId}) as commitment`,
        ERASURE_LIMIT_MS,
      );
      return row?.commitment ?? undefined;
    },

    async erase(userId, { seq, erased, head }) {
      try {
        const [row] = await pool.run(
          (sql) => sql<{ boards: string[] }[]>`
            select to_json(erase_player(${userId}, ${erased}, ${seq}, ${head})) as boards`,
          ERASURE_LIMIT_MS,
        );
        return row?.boards ?? [];
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return undefined;
        throw error;
      }
    },
  };
}
