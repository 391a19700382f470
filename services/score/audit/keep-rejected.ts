/**
 * Keeps attempts that were refused for what they are, so that abuse can be seen: gathered by player and reason, bounded, and
 * written in the background. Noting one costs a look into a map; nobody waits for it, and a database that is away costs
 * what could not be written, never memory. What did not fit is counted.
 */
import type { AppError, Reason } from '../../shared/errors/app-error.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import { type Clock, systemClock } from '../../shared/settings/clock.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { RejectedAttempts, RejectedStore } from './rejected-store.ts';

/** What is kept of an attempt: nothing secret. */
export type Attempt = Pick<RejectedAttempts, 'userId' | 'leaderboard' | 'actionId' | 'points' | 'caller'>;

export interface KeepRejected {
  note(attempt: Attempt, refusal: AppError): void;
  start(): void;
  /** Writes what waits. */
  stop(): Promise<void>;
}

export interface KeepRejectedOptions {
  store: Pick<RejectedStore, 'insert' | 'trim'>;
  log: Log;
  metrics: Metrics;
  clock?: Clock;
}

const WRITE_EVERY_MS = 5_000;
/** Rows written at once: 2,400 a minute and process at most. A player fills one a reason, however often it tries. */
export const MAX_GATHERED = 200;
/** Five minutes. */
const TRIM_EVERY_TURNS = 60;
const MAX_AGE_DAYS = 30;
const MAX_ROWS = 200_000;

/** Our own troubles are no abuse. */
const OURS: ReadonlySet<Reason> = new Set(['OVERLOADED', 'OUTBOX_FULL']);
const OURS_BY_KIND: ReadonlySet<AppError['kind']> = new Set(['unavailable', 'deadline_exceeded', 'internal']);

export function createKeepRejected(options: KeepRejectedOptions): KeepRejected {
  const { store, log, metrics, clock = systemClock } = options;
  const warn = createRepeatedWarning(log, 'refused attempts could not be kept');
  const counts = metrics.counter(
    'audit_rejected_attempts_total',
    'Refused attempts by reason, and whether they were kept or left out.',
    ['reason', 'outcome'],
  );
  let gathered = new Map<string, { -readonly [K in keyof RejectedAttempts]: RejectedAttempts[K] }>();
  let turns = 0;

  async function write(): Promise<void> {
    if (gathered.size === 0) return;
    const rows = [...gathered.values()];
    gathered = new Map();
    const outcome = await store.insert(rows).then(
      () => 'kept',
      (error: unknown) => {
        warn({ err: error, rows: rows.length });
        return 'left_out';
      },
    );
    for (const { reason, attempts } of rows) counts.inc({ reason, outcome }, attempts);
  }

  async function turn(): Promise<void> {
    await write();
    turns += 1;
    if (turns % TRIM_EVERY_TURNS === 1) await store.trim(MAX_AGE_DAYS, MAX_ROWS);
  }

  const loop = createLoop({ name: 'keep rejected', everyMs: WRITE_EVERY_MS, run: turn, log });
  return {
    note({ userId, leaderboard, actionId, points, caller }, { reason, kind }) {
      if (OURS.has(reason) || OURS_BY_KIND.has(kind)) return;
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
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await write();
    },
  };
}
