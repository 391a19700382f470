/**
 * One row in Postgres decides which rank index counts. Every change is a compare-and-set on the epoch: when two processes want
 * to change it at the same time, one succeeds and the other reads the new state.
 *
 * A new epoch is greater than all before it, and at least the Unix time in seconds by the database's clock. So it is also
 * greater than any epoch of a database that was lost, when this one was restored or set up in its place. A clock that jumps
 * back changes nothing within one database. When it is behind the clock of the lost database, open pages keep their old boards
 * until it has caught up or they are reloaded.
 */
import type { Sql } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { IndexState } from '../../shared/values/board.ts';

export interface EpochRow extends IndexState {
  readonly redisRunId: string;
  /** When a process last found that Redis process answering, by the database's clock, in microseconds since 1970. */
  readonly redisSeenAt: bigint;
  /** Milliseconds between then and now. A time in the future was noted before the clock was set back, and is as old. */
  readonly redisUnseenMs: number;
  /** A build was announced, and its lease has ended without renewal. */
  readonly buildLapsed: boolean;
  /** Postgres answers but takes no writes. */
  readonly readOnly: boolean;
}

export type EpochStore = ReturnType<typeof createEpochStore>;

const LIMIT_MS = 1_000;

/** Stays within 2^53-1: a timestamp ends in the year 294276, and an epoch ahead of the clock grows by one at a time. */
const nextEpoch = (sql: Sql) =>
  sql`greatest(epoch + 1, building + 1, floor(extract(epoch from clock_timestamp()))::bigint)`;
/** Longer than any lease: a later end was set before the database's clock was set back. */
const LONGEST_LEASE_MS = 60_000;
const lapsed = (sql: Sql) =>
  sql`not building_until between clock_timestamp() and clock_timestamp() + ${LONGEST_LEASE_MS} * interval '1 millisecond'`;
const seenAt = (sql: Sql) => sql`(extract(epoch from redis_seen_at) * 1000000)::bigint`;

export function createEpochStore(pool: PostgresPool) {
  return {
    async read(): Promise<EpochRow> {
      const [row] = await pool.run(
        (sql) => sql<
          {
            epoch: bigint;
            source: IndexState['source'];
            building: bigint | null;
            redis_run_id: string;
            seen_at: bigint;
            unseen_ms: number;
            lapsed: boolean;
            read_only: boolean;
          }[]
        >`
          select epoch, source, building, redis_run_id, ${seenAt(sql)} as seen_at,
                 (abs(extract(epoch from clock_timestamp() - redis_seen_at)) * 1000)::float8 as unseen_ms,
                 building is not null and ${lapsed(sql)} as lapsed,
                 current_setting('transaction_read_only') = 'on' as read_only
          from rank_index`,
        LIMIT_MS,
      );
      if (row === undefined) throw new Error('the row of rank_index is missing');
      return {
        epoch: row.epoch,
        source: row.source,
        building: row.building ?? undefined,
        redisRunId: row.redis_run_id,
        redisSeenAt: row.seen_at,
        redisUnseenMs: row.unseen_ms,
        buildLapsed: row.lapsed,
        readOnly: row.read_only,
      };
    },

    /** Redis answers and holds this epoch. Returns the time noted, or undefined when the epoch no longer counts. */
    async markSeen(epoch: bigint, runId: string): Promise<bigint | undefined> {
      const [row] = await pool.run(
        (sql) => sql<{ seen_at: bigint }[]>`
          update rank_index set redis_seen_at = clock_timestamp()
          where epoch = ${epoch} and redis_run_id = ${runId} and source = 'redis'
          returning ${seenAt(sql)} as seen_at`,
        LIMIT_MS,
      );
      return row?.seen_at;
    },

    /**
     * Has boards read from Postgres under a new epoch greater than `known`. False when another process changed the epoch first,
     * or is building while boards are read from Postgres already: the end of that build changes the epoch.
     */
    async readFromPostgres(epoch: bigint, known: bigint): Promise<boolean> {
      const rows = await pool.run(
        (sql) => sql`
          update rank_index set
            epoch = greatest(${nextEpoch(sql)}, ${known}::bigint + 1), source = 'postgres', building = null
          where epoch = ${epoch}
            and (source = 'redis' or building is null or ${lapsed(sql)})
          returning epoch`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },

    /**
     * Announces to every writer that a new epoch is being built beside the given one. Returns its number, or undefined when
     * another process is building or the given epoch no longer counts.
     */
    async announceBuild(epoch: bigint, leaseMs: number): Promise<bigint | undefined> {
      const [row] = await pool.run(
        (sql) => sql<{ building: bigint }[]>`
          update rank_index set
            building = ${nextEpoch(sql)},
            building_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where epoch = ${epoch} and (building is null or ${lapsed(sql)})
          returning building`,
        LIMIT_MS,
      );
      return row?.building;
    },

    /**
     * Ends the announcement of a build, so that writers need not reach an index that will not be completed. Boards are read from
     * Postgres under a new epoch; the number of the build is not used. Does nothing when another build was announced.
     */
    async abandonBuild(epoch: bigint): Promise<void> {
      await pool.run(
        (sql) => sql`
          update rank_index set epoch = ${nextEpoch(sql)}, source = 'postgres', building = null
          where building = ${epoch}`,
        LIMIT_MS,
      );
    },

    /** Extends the lease of a build. False when the build is no longer ours. */
    async renewBuild(epoch: bigint, leaseMs: number): Promise<boolean> {
      const rows = await pool.run(
        (sql) => sql`
          update rank_index set building_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where building = ${epoch} returning epoch`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },

    /** Transactions of this database that write to the outbox now. */
    async listWriters(): Promise<readonly string[]> {
      // The server does not reuse a virtual transaction id while it runs. A prepared transaction has no process.
      const rows = await pool.run(
        (sql) => sql<{ writer: string }[]>`
          select concat_ws(' ', coalesce('pid ' || pid, 'prepared transaction'), virtualtransaction) as writer
          from pg_locks
          where locktype = 'relation' and relation = 'outbox'::regclass
            and database = (select oid from pg_database where datname = current_database())
            and mode = 'RowExclusiveLock' and granted`,
        LIMIT_MS,
      );
      return rows.map(({ writer }) => writer);
    },

    /** Makes the built epoch the one that counts. False when the build is no longer ours. */
    async finishBuild(epoch: bigint, runId: string): Promise<boolean> {
      const rows = await pool.run(
        (sql) => sql`
          update rank_index set epoch = building, source = 'redis', building = null,
                 redis_run_id = ${runId}, redis_seen_at = clock_timestamp()
          where building = ${epoch} returning epoch`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },
  };
}
