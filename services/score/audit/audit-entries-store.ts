/** The ledger entries that links of the audit chain seal, with what corrections did, and those that no link seals. */
import type { AuditAction } from '../../shared/audit-chain/audit-chain.ts';
import type { AuditCorrection } from '../../shared/audit-chain/correction.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';

/** One statement reads a page of entries. */
const LIMIT_MS = 10_000;
/** Our positions begin at 1000; an action that was forged below must be found too. */
export const LOWEST_POSITION = -(2n ** 63n);

/** Null in every column for an entry that is no correction. */
interface CorrectionRow {
  operation_id: string | null;
  kind: string | null;
  amount: bigint | null;
  voided: string | null;
  reason: string | null;
  reason_digest: Uint8Array | null;
  operator: string | null;
  score_before: bigint | null;
  corrected_to: bigint | null;
}

export function createAuditEntriesStore(pool: PostgresPool) {
  return {
    /** The actions of a link in the order of positions. */
    async actions(seq: bigint, afterPosition: bigint, limit: number): Promise<AuditAction[]> {
      const rows = await pool.run(
        (sql) => sql<(AuditAction & CorrectionRow)[]>`
          select a.position, a.leaderboard, a.user_id as "userId", coalesce(s.salt, '') as salt,
                 coalesce(s.commitment, '') as commitment, a.action_id as "actionId", a.points,
                 a.score_after as "scoreAfter", a.version, a.key_id as "keyId", a.caller,
                 (extract(epoch from a.accepted_at) * 1000000)::bigint as "acceptedAtUnixUs",
                 c.operation_id, c.kind, c.amount, c.action_id as voided, c.reason, c.reason_digest, c.operator, c.score_before,
                 c.score_after as corrected_to
          from audit_batches b
          cross join actions_of_batch(b.batch) a
          left join audit_subjects s on s.user_id = a.user_id
          left join corrections c on c.position = a.position and c.user_id = a.user_id and c.leaderboard = a.leaderboard
          where b.seq = ${seq} and b.batch + 999 > ${afterPosition} and a.position > ${afterPosition}
          order by b.batch, a.position limit ${limit}`,
        LIMIT_MS,
      );
      return rows.map((row) => ({ ...row, correction: toCorrection(row) }));
    },

    /**
     * Positions of actions, and of corrections without a ledger entry, in (after, after + range] that no link seals and none will, and where the next range begins. The
     * first range, without `after`, is all positions up to `range`.
     */
    async strays(
      after: bigint | undefined,
      range: bigint,
      limit: number,
    ): Promise<{ strays: bigint[]; next: bigint | undefined }> {
      const from = after ?? LOWEST_POSITION;
      const to = (after ?? 0n) + range;
      const rows = await pool.run(
        (sql) => sql<{ position: bigint | null; beyond: bigint | null }[]>`
          select s.position, m.beyond
          from (select min(position) as beyond from actions where position > ${to}) m
          left join lateral (
            select a.position from actions a
            where a.position > ${from} and a.position <= ${to}
              and (
                a.position <= 0 or a.position % 1000 = 0
                or not exists (
                  select from audit_batches b
                  where b.batch = a.position / 1000 * 1000
                    and (b.seq is null or exists (select from audit_links l where l.seq = b.seq))
                )
              )
            union all
            select c.position from corrections c
            where c.position > ${from} and c.position <= ${to}
              and not exists (select from actions a where a.position = c.position)
            order by position limit ${limit}
          ) s on true`,
        LIMIT_MS,
      );
      const beyond = rows[0]?.beyond ?? null;
      return {
        strays: rows.flatMap(({ position }) => (position === null ? [] : [position])),
        next: beyond === null ? undefined : beyond - 1n,
      };
    },
  };
}

function toCorrection(row: CorrectionRow): AuditCorrection | undefined {
  const { operation_id: operationId, kind, reason_digest: reasonDigest } = row;
  if (operationId === null || kind === null || reasonDigest === null) return undefined;
  return {
    ...{ operationId, kind, reasonDigest },
    ...(row.amount !== null && { amount: row.amount }),
    actionId: row.voided ?? '',
    reason: row.reason ?? '',
    operator: row.operator ?? '',
    ...(row.score_before !== null && { scoreBefore: row.score_before }),
    ...(row.corrected_to !== null && { scoreAfter: row.corrected_to }),
  };
}
