/**
 * The audit chain in Postgres. What is not sealed yet is a state that each batch was committed with, so the order in which
 * batches commit does not matter. A link takes its number by primary key: of two sealers one wins, and the other's statement
 * changes nothing at all.
 */
import {
  type AuditAction,
  type AuditHead,
  type AuditLink,
  NO_HEAD,
} from '../../shared/audit-chain/audit-chain.ts';
import { type ChainEnd, readChainEnd } from '../../shared/audit-chain/chain-end-store.ts';
import { arrayLiteral, type PostgresPool, sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres.ts';

/** Batches that wait to be sealed, as one link would seal them. */
export interface SealCandidates {
  readonly batches: readonly bigint[];
  readonly actions: bigint;
  readonly digest: Uint8Array;
}

export interface AuditBacklog {
  readonly batches: number;
  /** Age of the oldest action that no link seals yet. */
  readonly oldestSeconds: number;
  /** What is committed below this batch is sealed, from the batch on that was asked about. */
  readonly sealedBelow: bigint;
}

export interface AuditStore {
  head(): Promise<AuditHead>;
  /** The newest link; undefined while nothing is sealed. */
  end(): Promise<ChainEnd | undefined>;
  /** Of all batches, or of those from one on. */
  backlog(from?: bigint): Promise<AuditBacklog>;
  /** Undefined when everything is sealed, from the given batch on. */
  candidates(maxBatches: number, from?: bigint): Promise<SealCandidates | undefined>;
  /** False when another link took the number: nothing was written. */
  append(link: AuditLink, batches: readonly bigint[]): Promise<boolean>;
  links(afterSeq: bigint, limit: number): Promise<AuditLink[]>;
  /** The actions of a link in the order of positions. */
  actions(seq: bigint, afterPosition: bigint, limit: number): Promise<AuditAction[]>;
  /** Positions in (after, after + stretch], from the lowest for 0, that no link seals and none will; and where to go on. */
  strays(
    after: bigint,
    stretch: bigint,
    limit: number,
  ): Promise<{ strays: bigint[]; next: bigint | undefined }>;
}

/** A link's worth of actions is read and hashed in one statement. */
const LIMIT_MS = 10_000;
/** Nothing of ours stands below 1000; what somebody else put there must be found all the same. */
const LOWEST_POSITION = -(2n ** 63n);

export function createAuditStore(pool: PostgresPool): AuditStore {
  return {
    async head() {
      return (await pool.run(readChainEnd, LIMIT_MS))?.link ?? NO_HEAD;
    },

    end: () => pool.run(readChainEnd, LIMIT_MS),

    async backlog(from = LOWEST_POSITION) {
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

    async candidates(maxBatches, from = LOWEST_POSITION) {
      const [row] = await pool.run(
        (sql) => sql<{ batches: string[]; actions: bigint; digest: Uint8Array }[]>`
          select to_json(batches::text[]) as batches, actions, digest
          from audit_candidates(${maxBatches}::int, ${from}::bigint)`,
        LIMIT_MS,
      );
      return row && { ...row, batches: row.batches.map(BigInt) };
    },

    async append({ seq, actions, digest, erased, head }, batches) {
      try {
        await pool.run(
          (sql) => sql`
            with link as (
              insert into audit_links (seq, actions, digest, erased, head)
              values (${seq}, ${actions}, ${digest}, ${erased}, ${head}) returning seq
            )
            update audit_batches b set seq = link.seq
            from link where b.batch = any(${arrayLiteral(batches)}::bigint[]) and b.seq is null`,
          LIMIT_MS,
        );
        return true;
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return false;
        throw error;
      }
    },

    async links(afterSeq, limit) {
      return pool.run(
        (sql) => sql<AuditLink[]>`
          select seq, actions, digest, erased, head from audit_links
          where seq > ${afterSeq} order by seq limit ${limit}`,
        LIMIT_MS,
      );
    },

    async actions(seq, afterPosition, limit) {
      return pool.run(
        (sql) => sql<AuditAction[]>`
          select a.position, a.leaderboard, a.user_id as "userId", coalesce(s.salt, '') as salt,
                 coalesce(s.commitment, '') as commitment, a.action_id as "actionId", a.points,
                 a.score_after as "scoreAfter", a.version, a.key_id as "keyId", a.caller,
                 (extract(epoch from a.accepted_at) * 1000000)::bigint as "acceptedAtUnixUs"
          from audit_batches b
          cross join actions_of_batch(b.batch) a
          left join audit_subjects s on s.user_id = a.user_id
          where b.seq = ${seq} and b.batch + 999 > ${afterPosition} and a.position > ${afterPosition}
          order by b.batch, a.position limit ${limit}`,
        LIMIT_MS,
      );
    },

    async strays(after, stretch, limit) {
      const from = after === 0n ? LOWEST_POSITION : after;
      const to = after + stretch;
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
            order by a.position limit ${limit}
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
