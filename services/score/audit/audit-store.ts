/**
 * The audit chain in Postgres. Each batch is committed with the state "not sealed yet", so the order in which batches commit
 * does not matter. The number of a link is a primary key: of two sealers one wins, and the statement of the other changes
 * nothing.
 */
import { type AuditHead, type AuditLink, NO_HEAD } from '../../shared/audit-chain/audit-chain.ts';
import { type ChainEnd, readChainEnd } from '../../shared/audit-chain/chain-end-store.ts';
import { arrayLiteral, sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import { createAuditEntriesStore, LOWEST_POSITION } from './audit-entries-store.ts';
import { followsHead } from './follows-head.ts';

/** The contents of the next link: batches that are not sealed yet. */
export interface SealCandidates {
  readonly batches: readonly bigint[];
  readonly actions: bigint;
  readonly digest: Uint8Array;
}

export interface AuditBacklog {
  readonly batches: number;
  /** Age of the oldest action that is not sealed yet. */
  readonly oldestSeconds: number;
  /** All batches below this one, from the start of the search, are sealed. */
  readonly sealedBelow: bigint;
}

export type AuditStore = ReturnType<typeof createAuditStore>;

/** One statement reads and hashes all actions of a link. */
const LIMIT_MS = 10_000;

export function createAuditStore(pool: PostgresPool) {
  return {
    async head(): Promise<AuditHead> {
      return (await pool.run(readChainEnd, LIMIT_MS))?.link ?? NO_HEAD;
    },

    /** The newest link; undefined while nothing is sealed. */
    end: (): Promise<ChainEnd | undefined> => pool.run(readChainEnd, LIMIT_MS),

    /** Batches that are not sealed yet, all or from one on. */
    async backlog(from = LOWEST_POSITION): Promise<AuditBacklog> {
      const [row] = await pool.run(
        (sql) => sql<{ batches: number; oldest: number; below: bigint }[]>`
          select count(*)::int as batches,
                 coalesce(min(b.batch), pg_sequence_last_value('action_positions'), ${from}) as below,
                 coalesce(extract(epoch from now() - (
                   select a.accepted_at from actions a where a.position > min(b.batch) order by a.position limit 1
                 )), 0)::float8 as oldest
          from audit_batches b where b.seq is null and b.batch >= ${from}`,
        LIMIT_MS,
      );
      const { batches, oldest, below } = row ?? { batches: 0, oldest: 0, below: from };
      return { batches, oldestSeconds: oldest, sealedBelow: below };
    },

    /** Undefined when everything is sealed, from the given batch on. */
    async candidates(maxBatches: number, from = LOWEST_POSITION): Promise<SealCandidates | undefined> {
      const [row] = await pool.run(
        (sql) => sql<{ batches: string[]; actions: bigint; digest: Uint8Array }[]>`
          select to_json(batches::text[]) as batches, actions, digest
          from audit_candidates(${maxBatches}::int, ${from}::bigint)`,
        LIMIT_MS,
      );
      return row && { ...row, batches: row.batches.map(BigInt) };
    },

    /**
     * Returns false, and writes nothing, if another link took the number, or if the head before it is not in the chain any more:
     * a standby that was promoted may lack the newest links.
     */
    async append(
      { seq, actions, digest, erased, head }: AuditLink,
      before: AuditHead,
      batches: readonly bigint[],
    ): Promise<boolean> {
      try {
        const appended = await pool.run(
          (sql) => sql`
            with link as (
              insert into audit_links (seq, actions, digest, erased, head)
              select ${seq}::bigint, ${actions}::bigint, ${digest}::bytea, ${erased}::bytea, ${head}::bytea
              where ${followsHead(sql, before)}
              returning seq
            ), sealed as (
              update audit_batches b set seq = link.seq
              from link where b.batch = any(${arrayLiteral(batches)}::bigint[]) and b.seq is null
            )
            select seq from link`,
          LIMIT_MS,
        );
        return appended.length > 0;
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return false;
        throw error;
      }
    },

    /** Links that seal actions with a truncated digest (truncated-link.ts), in order. */
    async truncated(limit: number): Promise<AuditLink[]> {
      return pool.run(
        (sql) => sql<AuditLink[]>`
          select seq, actions, digest, erased, head from audit_links l
          where octet_length(digest) < 32 and exists (select from audit_batches b where b.seq = l.seq)
          order by seq limit ${limit}`,
        LIMIT_MS,
      );
    },

    /** Makes the batches of a link wait for another one. */
    async release(seq: bigint): Promise<void> {
      await pool.run((sql) => sql`update audit_batches set seq = null where seq = ${seq}`, LIMIT_MS);
    },

    async links(afterSeq: bigint, limit: number): Promise<AuditLink[]> {
      return pool.run(
        (sql) => sql<AuditLink[]>`
          select seq, actions, digest, erased, head from audit_links
          where seq > ${afterSeq} order by seq limit ${limit}`,
        LIMIT_MS,
      );
    },

    ...createAuditEntriesStore(pool),
  };
}
