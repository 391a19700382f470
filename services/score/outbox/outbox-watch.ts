/**
 * Watches the depth of the outbox and whether Postgres accepts writes. It logs once an episode when delivery falls behind, and
 * tells admission when the outbox is full, so that submissions are refused before they cost anything. Answers come from memory.
 */
import { createLoop, type LoopOptions } from '../../shared/flow/loop.ts';
import { describePostgresTrouble } from '../../shared/stores/postgres/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { OutboxDepth } from './outbox-depth.ts';

export type OutboxWatch = ReturnType<typeof createOutboxWatch>;

export interface OutboxWatchOptions {
  /** Rejects also when Postgres takes no writes. */
  readDepth: () => Promise<OutboxDepth>;
  everyMs: LoopOptions['everyMs'];
  log: Log;
  metrics: Metrics;
}

/**
 * Most batches that may wait. At 20 commits a second, which carry 10,000 scores, this is forty minutes without NATS, some
 * hundred megabytes of rows, and a few minutes of sweeping once NATS is back. With a look each second, even a thousand commits
 * a second exceed it by a few per cent only.
 */
export const MAX_PENDING_ROWS = 50_000;
/** Far longer than any server takes to restart; beyond it, an operator should look. */
export const OVERDUE_SECONDS = 30;

export function createOutboxWatch({ readDepth, everyMs, log, metrics }: OutboxWatchOptions) {
  let depth: OutboxDepth = { pending: 0, oldestSeconds: 0, dead: 0, isDue: false };
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

  async function readWithTrouble(): Promise<OutboxDepth> {
    try {
      const read = await readDepth();
      trouble = undefined;
      return read;
    } catch (error) {
      trouble = describePostgresTrouble(error);
      throw error;
    }
  }

  async function look(): Promise<void> {
    const { dead } = depth;
    depth = await readWithTrouble();
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

  const loop = createLoop({ name: 'outbox watch', everyMs, run: look, log });
  return {
    /** True while no further batch should be committed until some are delivered. */
    isFull: () => full,
    /** Why Postgres does not serve us; undefined while it does. */
    trouble: () => trouble,
    start(): void {
      void loop.start();
    },
    stop: () => loop.stop(),
  };
}
