/**
 * Records submissions that were refused because of their contents, so that abuse is visible to the operator. Attempts are
 * aggregated by player and reason in a bounded map and written in the background. Noting one costs a map lookup. Attempts
 * that exceed the map, or that Postgres did not take, are dropped and counted.
 */
import type { AppError, Reason } from '../../shared/errors/app-error.ts';
import { isolate } from '../../shared/flow/isolate.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import { type Clock, systemClock } from '../../shared/settings/clock.ts';
import { isValueRefused } from '../../shared/stores/postgres/postgres-errors.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { RejectedAttempts, RejectedStore } from './rejected-store.ts';

/** The recorded part of a submission; it contains no secret. */
export type Attempt = Pick<RejectedAttempts, 'userId' | 'leaderboard' | 'actionId' | 'points' | 'caller'>;

export type KeepRejected = ReturnType<typeof createKeepRejected>;

export interface KeepRejectedOptions {
  store: Pick<RejectedStore, 'insert' | 'trim'>;
  log: Log;
  metrics: Metrics;
  clock?: Clock;
}

const WRITE_EVERY_MS = 5_000;
/** Rows written at once: at most 2,400 a minute and process. A player fills one row a reason, however often it tries. */
export const MAX_GATHERED = 200;
/** Five minutes. */
const TRIM_EVERY_RUNS = 60;
const MAX_AGE_DAYS = 30;
const MAX_ROWS = 200_000;

/** Refusals that say nothing about the submission. */
const NOT_ABUSE: ReadonlySet<Reason> = new Set(['OVERLOADED', 'OUTBOX_FULL']);
const NOT_ABUSE_KINDS: ReadonlySet<AppError['kind']> = new Set([
  'unavailable',
  'deadline_exceeded',
  'internal',
]);

export function createKeepRejected(options: KeepRejectedOptions) {
  const { store, log, metrics, clock = systemClock } = options;
  const warn = createRepeatedWarning(log, 'refused attempts could not be recorded');
  const counts = metrics.counter(
    'audit_rejected_attempts_total',
    'Refused attempts by reason, and whether they were kept or left out.',
    ['reason', 'outcome'],
  );
  let gathered = new Map<string, { -readonly [K in keyof RejectedAttempts]: RejectedAttempts[K] }>();
  let runs = 0;

  const insertAll = async (rows: readonly RejectedAttempts[]): Promise<undefined[]> => {
    await store.insert(rows);
    return rows.map(() => undefined);
  };

  async function write(): Promise<void> {
    if (gathered.size === 0) return;
    const rows = [...gathered.values()];
    gathered = new Map();
    const outcomes = await isolate(rows, { run: insertAll, isOfContents: isValueRefused }).catch(
      (error: unknown) => rows.map(() => error),
    );
    const failure = outcomes.find((each) => each !== undefined);
    if (failure !== undefined) warn({ err: failure, rows: rows.length });
    for (const [at, { reason, attempts }] of rows.entries()) {
      counts.inc({ reason, outcome: outcomes[at] === undefined ? 'kept' : 'left_out' }, attempts);
    }
  }

  async function run(): Promise<void> {
    await write();
    runs += 1;
    if (runs % TRIM_EVERY_RUNS === 1) await store.trim(MAX_AGE_DAYS, MAX_ROWS);
  }

  const loop = createLoop({ name: 'keep rejected', everyMs: WRITE_EVERY_MS, run, log });
  return {
    note({ userId, leaderboard, actionId, points, caller }: Attempt, { reason, kind }: AppError): void {
      if (NOT_ABUSE.has(reason) || NOT_ABUSE_KINDS.has(kind)) return;
      const key = `${userId} ${reason}`;
      const known = gathered.get(key);
      if (known !== undefined) {
        known.attempts += 1;
      } else if (gathered.size < MAX_GATHERED) {
        const firstAtUnixMs = clock.now();
        gathered.set(key, {
          userId,
          leaderboard,
          actionId,
          points,
          caller,
          reason,
          attempts: 1,
          firstAtUnixMs,
        });
      } else {
        counts.inc({ reason, outcome: 'left_out' });
      }
    },
    start(): void {
      void loop.start();
    },
    /** Writes what is aggregated. */
    async stop(): Promise<void> {
      await loop.stop();
      await write();
    },
  };
}
