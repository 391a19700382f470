/**
 * Looks at how full and how old the outbox is. It tells the operator when delivery falls behind, once an episode, and it
 * says when the outbox is full, so that submissions are refused before they cost anything. The answer is kept in memory.
 */

import { createLoop } from '../../shared/flow/loop.ts';
import { describePostgresTrouble } from '../../shared/stores/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { OutboxDepth, OutboxStore } from './outbox-store.ts';

export interface OutboxWatch {
  /** No more batches should be committed until some are delivered. */
  isFull(): boolean;
  /** Why Postgres does not answer; undefined while it does. */
  trouble(): string | undefined;
  start(): void;
  stop(): Promise<void>;
}

export interface OutboxWatchOptions {
  outbox: Pick<OutboxStore, 'depth'>;
  /** Rejects while Postgres takes no writes. */
  checkWritable: () => Promise<void>;
  log: Log;
  metrics: Metrics;
}

/** Often enough that even at a thousand commits a second the cap is passed by a few per cent only. */
const LOOK_EVERY_MS = 1_000;
/**
 * Batches that may wait. At 20 commits a second, which carry 10,000 scores, this is forty minutes without a bus, some
 * hundred megabytes of rows, and a few minutes of sweeping once the bus is back.
 */
export const MAX_PENDING_ROWS = 50_000;
/** Far above any restart of a server that we know; from here on somebody should look. */
export const OVERDUE_SECONDS = 30;

export function createOutboxWatch({ outbox, checkWritable, log, metrics }: OutboxWatchOptions): OutboxWatch {
  let depth: OutboxDepth = { pending: 0, oldestSeconds: 0, dead: 0 };
  let overdue = false;
  let full = false;
  let trouble: string | undefined;
  metrics.gauge('outbox_pending_rows', 'Committed batches not yet delivered.', {
    collect: () => depth.pending,
  });
  metrics.gauge('outbox_oldest_seconds', 'Projection lag: age of the oldest undelivered batch.', {
    collect: () => depth.oldestSeconds,
  });
  metrics.gauge('outbox_dead_rows', 'Batches given up; replay them by hand.', { collect: () => depth.dead });
  metrics.gauge('outbox_overdue', '1 while the oldest undelivered batch is over 30 s old.', {
    collect: () => Number(overdue),
  });
  metrics.gauge('outbox_full', '1 while 50,000 batches wait and submissions are refused.', {
    collect: () => Number(full),
  });

  async function readDepth(): Promise<OutboxDepth> {
    try {
      const [read] = await Promise.all([outbox.depth(), checkWritable()]);
      trouble = undefined;
      return read;
    } catch (error) {
      trouble = describePostgresTrouble(error);
      throw error;
    }
  }

  async function look(): Promise<void> {
    const { dead } = depth;
    depth = await readDepth();
    const wasOverdue = overdue;
    const wasFull = full;
    overdue = depth.oldestSeconds > OVERDUE_SECONDS;
    full = depth.pending >= MAX_PENDING_ROWS;
    if (overdue !== wasOverdue) {
      if (overdue) log.error(depth, 'the outbox is overdue: scores are committed but not delivered');
      else log.info(depth, 'the outbox is no longer overdue');
    }
    if (full !== wasFull) {
      if (full) log.error(depth, 'the outbox is full: submissions are refused');
      else log.info(depth, 'the outbox has room again');
    }
    if (depth.dead > dead) log.error(depth, 'batches were given up: see "outbox list"');
  }

  const loop = createLoop({ name: 'outbox watch', everyMs: LOOK_EVERY_MS, run: look, log });
  return { isFull: () => full, trouble: () => trouble, start: () => loop.start(), stop: () => loop.stop() };
}
