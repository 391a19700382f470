/**
 * Corrections in Postgres. One statement of the database (migration 0014) checks a correction and writes it: the player's row under
 * the lock that every action takes, the ledger entry, the record of who changed what and why, and the outbox row.
 */
import { isReason, type Reason } from '../../shared/errors/app-error.ts';
import { sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Correction } from './correction.ts';

export interface Corrected {
  readonly outcome: 'CORRECTED' | 'REPLAYED';
  readonly leaderboard: string;
  /** The standing score; undefined for none. */
  readonly before: bigint | undefined;
  readonly after: bigint | undefined;
  /** The player's version on the board after the correction. */
  readonly version: bigint;
}

export type CorrectionStore = ReturnType<typeof createCorrectionStore>;

/** Reading all actions of one player on one board: a hundred thousand of them take less than half a second. */
const LIMIT_MS = 2_000;

interface CorrectedRow {
  outcome: string;
  leaderboard: string;
  score_before: bigint | null;
  score_after: bigint | null;
  version: bigint | null;
}

export function createCorrectionStore(pool: Pick<PostgresPool, 'run'>) {
  return {
    /** Returns the reason of a refusal; undefined, with nothing written, if the same operation was carried out elsewhere meanwhile. */
    async correct(correction: Correction, caller: string): Promise<Corrected | Reason | undefined> {
      const { operationId, userId, leaderboard, change, reason, operator } = correction;
      const amount = 'amount' in change ? change.amount : null;
      const voided = 'actionId' in change ? change.actionId : null;
      try {
        const [row] = await pool.run(
          (sql) => sql<CorrectedRow[]>`
            select * from correct_score(
              ${operationId}, ${change.kind}, ${leaderboard}, ${userId}, ${amount}::bigint, ${voided}, ${reason}, ${operator},
              ${caller})`,
          LIMIT_MS,
        );
        if (row === undefined) throw new Error('a correction has no outcome');
        return toOutcome(row);
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return undefined;
        throw error;
      }
    },
  };
}

function toOutcome({ outcome, leaderboard, score_before, score_after, version }: CorrectedRow) {
  if (outcome === 'CORRECTED' || outcome === 'REPLAYED') {
    const [before, after] = [score_before ?? undefined, score_after ?? undefined];
    return { outcome, leaderboard, before, after, version: version ?? 0n } as const;
  }
  if (!isReason(outcome)) throw new Error(`a correction was judged to be ${outcome}`);
  return outcome;
}
