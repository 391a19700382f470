/**
 * Who decides which rank index counts: one row in Postgres. Every change is a compare-and-set on the epoch, so of two
 * processes that want to change it at the same time one wins and the other learns the new state.
 *
 * A new epoch is greater than all before, and at least the Unix time in seconds by the database's clock. So it is also greater
 * than what a database handed out that was lost since, when this one was restored or made anew in its place. A clock that
 * jumps back changes nothing within one database; one that is behind that of the lost database makes open pages keep their
 * boards until it has caught up, or they are loaded again.
 */

import type { PostgresPool, Sql } from '../../shared/stores/postgres.ts';
import type { IndexState } from '../../shared/values/board.ts';
import type { ListWriters } from './await-writers.ts';

export interface EpochRow extends IndexState {
  readonly redisRunId: string;
  /** When some process last found that Redis process answering, by the database's clock, in microseconds since 1970. */
  readonly redisSeenAt: bigint;
  /** Milliseconds since then. */
  readonly redisUnseenMs: number;
  /** A build was announced, and its builder has not been heard of since its lease ended. */
  readonly buildLapsed: boolean;
  /** Postgres answers and takes no writes. */
  readonly readOnly: boolean;
}

export interface EpochStore {
  read(): Promise<EpochRow>;
  /** Redis answers and holds this epoch. Answers `redisSeenAt`, or undefined when the epoch no longer counts. */
  markSeen(epoch: bigint, runId: string): Promise<bigint | undefined>;
  /**
   * Boards are read from Postgres from now on, under a new epoch greater than the known one. False when somebody else changed
   * the epoch first, or is building while boards are read from Postgres already: the end of a build changes the epoch.
   */
  readFromPostgres(epoch: bigint, known: bigint): Promise<boolean>;
  /**
   * Announces the building of a new epoch beside the given one to every writer. Answers its number, or undefined when
   * another process is building or the given epoch no longer counts.
   */
  announceBuild(epoch: bigint, leaseMs: number): Promise<bigint | undefined>;
  /**
   * Nothing is being built any more, so that writers need not reach an index that nobody completes. Boards are read from
   * Postgres under a new epoch; the number of the build is not used. Nothing happens when another build was announced.
   */
  abandonBuild(epoch: bigint): Promise<void>;
  /** Keeps the announcement for longer; false when it is no longer ours. */
  renewBuild(epoch: bigint, leaseMs: number): Promise<boolean>;
  /** Transactions of this database that write to the outbox now. */
  listWriters: ListWriters;
  /** Makes the built epoch the one that counts; false when it is no longer ours. */
  finishBuild(epoch: bigint, runId: string): Promise<boolean>;
}

const LIMIT_MS = 1_000;

/** Stays within 2^53-1: a timestamp ends in the year 294276, and one that is greater than the clock grows by one at a time. */
const nextEpoch = (sql: Sql) =>
  sql`greatest(epoch + 1, building + 1, floor(extract(epoch from clock_timestamp()))::bigint)`;
const seenAt = (sql: Sql) => sql`(extract(epoch from redis_seen_at) * 1000000)::bigint`;

export function createEpochStore(pool: PostgresPool): EpochStore {
  return {
    async read() {
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
                 (extract(epoch from clock_timestamp() - redis_seen_at) * 1000)::float8 as unseen_ms,
                 building is not null and building_until < clock_timestamp() as lapsed,
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

    async markSeen(epoch, runId) {
      const [row] = await pool.run(
        (sql) => sql<{ seen_at: bigint }[]>`
          update rank_index set redis_seen_at = clock_timestamp()
          where epoch = ${epoch} and redis_run_id = ${runId} and source = 'redis'
          returning ${seenAt(sql)} as seen_at`,
        LIMIT_MS,
      );
      return row?.seen_at;
    },

    async readFromPostgres(epoch, known) {
      const rows = await pool.run(
        (sql) => sql`
          update rank_index set
            epoch = greatest(${nextEpoch(sql)}, ${known}::bigint + 1), source = 'postgres', building = null
          where epoch = ${epoch}
            and (source = 'redis' or building is null or building_until < clock_timestamp())
          returning epoch`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },

    async announceBuild(epoch, leaseMs) {
      const [row] = await pool.run(
        (sql) => sql<{ building: bigint }[]>`
          update rank_index set
            building = ${nextEpoch(sql)},
            building_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where epoch = ${epoch} and (building is null or building_until < clock_timestamp())
          returning building`,
        LIMIT_MS,
      );
      return row?.building;
    },

    async abandonBuild(epoch) {
      await pool.run(
        (sql) => sql`
          update rank_index set epoch = ${nextEpoch(sql)}, source = 'postgres', building = null
          where building = ${epoch}`,
        LIMIT_MS,
      );
    },

    async renewBuild(epoch, leaseMs) {
      const rows = await pool.run(
        (sql) => sql`
          update rank_index set building_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where building = ${epoch} returning epoch`,
        LIMIT_MS,
      );
      return rows.length === 1;
    },

    async listWriters() {
      // A virtual transaction id is not used again while the server runs. A prepared transaction has no process.
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

    async finishBuild(epoch, runId) {
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
