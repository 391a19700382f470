/**
 * The epoch that counts, as Postgres says, read and changed on behalf of this process. Every reading updates the known index, and
 * a database that was restored from a backup is noticed and gets an epoch that no viewer has seen.
 */
import { describePostgresTrouble, POSTGRES_READ_ONLY } from '../../shared/stores/postgres/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import type { KnownIndex } from './known-index.ts';

export interface CurrentEpochOptions {
  epochs: Pick<EpochStore, 'read' | 'readFromPostgres' | 'abandonBuild'>;
  known: KnownIndex;
  log: Log;
}

export type CurrentEpoch = ReturnType<typeof createCurrentEpoch>;

export function createCurrentEpoch({ epochs, known, log }: CurrentEpochOptions) {
  let trouble: string | undefined;

  async function readRow(): Promise<EpochRow> {
    const askedAtMs = performance.now();
    const row = await epochs.read().catch((error: unknown) => {
      trouble = describePostgresTrouble(error);
      throw error;
    });
    trouble = row.readOnly ? POSTGRES_READ_ONLY : undefined;
    known.confirm(row, askedAtMs);
    return row;
  }

  /** Has boards read from Postgres under an epoch greater than `seen`, unless another process has changed the epoch. */
  async function raise({ epoch }: EpochRow, seen: bigint): Promise<EpochRow> {
    await epochs.readFromPostgres(epoch, seen);
    return readRow();
  }

  /** The row as it is after this call. */
  async function read(): Promise<EpochRow> {
    const seen = known.confirmedEpoch;
    const row = await readRow();
    if (seen === undefined || row.epoch >= seen) return row;
    // A committed epoch is gone, so an older state of the database was put in its place.
    log.error({ epoch: String(row.epoch), known: String(seen) }, 'the database was restored');
    return raise(row, seen);
  }

  return {
    read,

    /**
     * Reads the row at the start of the process. The database may have been restored since boards were last read from it, and
     * viewers may have seen later boards under its epoch, so boards from Postgres get a new epoch. Boards from Redis need none:
     * another Redis, or one that is ahead of the database, leads to a new epoch anyway.
     */
    async start(): Promise<void> {
      const row = await read();
      if (row.source === 'postgres') await raise(row, row.epoch);
    },

    /** Has boards read from Postgres instead of Redis. */
    async leaveRedis({ epoch }: EpochRow): Promise<void> {
      if (await epochs.readFromPostgres(epoch, known.confirmedEpoch ?? epoch))
        log.error({ epoch: String(epoch) }, 'Redis is away: boards are read from Postgres');
      await read();
    },

    async abandonBuild(building: bigint): Promise<void> {
      await epochs.abandonBuild(building);
      await read();
    },

    /** Why Postgres does not serve us; undefined while it does. */
    trouble: () => trouble,
  };
}
