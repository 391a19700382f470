/** Erases a player in Postgres in one transaction. Functions of the database (migration 0003) define what is erased and what remains. */
import type { AuditHead, AuditLink } from '../../shared/audit-chain/audit-chain.ts';
import { sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import { followsHead } from './follows-head.ts';

export type ErasureStore = ReturnType<typeof createErasureStore>;

/** A player with a hundred thousand actions takes seconds, and only the operator waits. */
export const ERASURE_LIMIT_MS = 30_000;

export function createErasureStore(pool: PostgresPool) {
  return {
    /** The player's commitment in the audit chain; undefined when there is no data of the player. */
    async subject(userId: string): Promise<Uint8Array | undefined> {
      const [row] = await pool.run(
        (sql) => sql<{ commitment: Uint8Array | null }[]>`select erasure_subject(${userId}) as commitment`,
        ERASURE_LIMIT_MS,
      );
      return row?.commitment ?? undefined;
    },

    /** Returns the boards that the player was on; undefined, with nothing changed, if the link does not follow the newest one. */
    async erase(
      userId: string,
      { seq, erased, head }: AuditLink,
      before: AuditHead,
    ): Promise<string[] | undefined> {
      try {
        const [row] = await pool.run(
          (sql) => sql<{ boards: string[] }[]>`
            select to_json(erase_player(${userId}, ${erased}, ${seq}, ${head})) as boards
            where ${followsHead(sql, before)}`,
          ERASURE_LIMIT_MS,
        );
        return row && (row.boards ?? []);
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return undefined;
        throw error;
      }
    },
  };
}
