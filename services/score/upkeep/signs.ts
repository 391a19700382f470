/**
 * What Postgres holds for the loops of this process, read in one small statement that they share. Each loop does its own work
 * only if the signs call for it, so that an idle process runs one statement a beat instead of one for each loop.
 */
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import { isQuarantineDue } from '../corrections/quarantine-store.ts';
import { type DepthRow, depthColumns, type OutboxDepth, toOutboxDepth } from '../outbox/outbox-depth.ts';

/** The beat of the loops that read the signs. A change of limits is known everywhere within a second. */
const BEAT_MS = 800;
/** Loops run at the same moments, whatever each of them takes, and read within this time of each other. */
const SHARED_MS = 100;

/** The rest until the next beat. */
export const untilBeat = (nowMs = performance.now()): number => BEAT_MS - (nowMs % BEAT_MS);
const LIMIT_MS = 2_000;
const WRITABLE_LIMIT_MS = 500;

export type Signs = ReturnType<typeof createSigns>;

interface Reading {
  readonly outbox: OutboxDepth;
  readonly limitsVersion: bigint;
  readonly lastPosition: bigint | undefined;
  readonly hasQuarantineChanges: boolean;
  readonly isReadOnly: boolean;
}

interface SignsRow extends DepthRow {
  version: bigint;
  last_position: bigint | null;
  quarantine_due: boolean;
  read_only: boolean;
}

export function createSigns(
  pool: Pick<PostgresPool, 'run' | 'checkWritable'>,
  monotonicMs: () => number = () => performance.now(),
) {
  let askedAtMs = -Infinity;
  let reading: Promise<Reading> | undefined;

  function read(): Promise<Reading> {
    const nowMs = monotonicMs();
    if (reading === undefined || nowMs - askedAtMs >= SHARED_MS) {
      askedAtMs = nowMs;
      reading = readAnew(pool);
    }
    return reading;
  }

  return {
    /** Rejects also when Postgres takes no writes. */
    async outboxDepth(): Promise<OutboxDepth> {
      const { outbox, isReadOnly } = await read();
      if (isReadOnly) await pool.checkWritable(WRITABLE_LIMIT_MS);
      return outbox;
    },
    /** Whether a row of the outbox waits to be delivered by a sweeper. */
    hasDueRows: async (): Promise<boolean> => (await read()).outbox.isDue,
    /** Grows with every change of rules or quarantine. */
    limitsVersion: async (): Promise<bigint> => (await read()).limitsVersion,
    /** Whether a quarantine changed that the boards may not show yet. */
    hasQuarantineChanges: async (): Promise<boolean> => (await read()).hasQuarantineChanges,
    /** The last position that any process took for a batch of actions; undefined before the first. */
    lastPosition: async (): Promise<bigint | undefined> => (await read()).lastPosition,
  };
}

async function readAnew(pool: Pick<PostgresPool, 'run'>): Promise<Reading> {
  const [row] = await pool.run(
    (sql) => sql<SignsRow[]>`
      select ${depthColumns(sql)},
             (select version from limits_version) as version,
             pg_sequence_last_value('action_positions') as last_position,
             exists (select from quarantine_changes where ${isQuarantineDue(sql)}) as quarantine_due,
             current_setting('transaction_read_only') = 'on' as read_only
      from outbox`,
    LIMIT_MS,
  );
  if (row === undefined) throw new Error('Postgres answered without a row');
  return {
    outbox: toOutboxDepth(row),
    limitsVersion: row.version,
    lastPosition: row.last_position ?? undefined,
    hasQuarantineChanges: row.quarantine_due,
    isReadOnly: row.read_only,
  };
}
