/**
 * Delivers what the fast path left behind, with the players' newest states. Rows are taken together while that works. A
 * group that fails while others get through holds a row that is itself at fault: then each is tried alone, so that one bad
 * row neither keeps the rest back nor takes them with it. Only that is counted against a row, so it is given up only while
 * others get through. Whatever failed is tried again within two seconds: what stood in the way may be gone, and
 * nobody else, nor another life of this process, would know that something waits.
 */

import { createLoop } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { OutboxRow, OutboxStore } from './outbox-store.ts';

export interface OutboxSweeper {
  /** A batch was delivered, here or on the fast path: whatever stood in the way is gone. */
  onDelivered(): void;
  start(): void;
  /** Looks now: there is something to take. */
  wake(): void;
  stop(): Promise<void>;
}

export interface OutboxSweeperOptions {
  outbox: Pick<OutboxStore, 'claim' | 'settle' | 'postpone'>;
  /** False while trying would only wait for a limit. */
  ready: () => boolean;
  /** Rejects when any part was not delivered. */
  deliver: (rows: readonly OutboxRow[]) => Promise<void>;
  onFailed: () => void;
  log: Log;
  monotonicMs?: () => number;
}

const SWEEP_EVERY_MS = 500;
const SWEEP_ROWS = 200;
/**
 * Many times what a sweep takes while all is well. No longer, because a claim may be carried out late, by a database that
 * goes on after a pause, for a sweeper that has long given it up; and a sweep that takes longer is done twice, harmlessly.
 */
const SWEEP_LEASE_MS = 4_000;
/**
 * Part of the five seconds in which all is delivered once a fault is over. A longer wait would spare nothing: while all fails,
 * each sweep ends with its first group, however many rows are due.
 */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 2_000;
/** Some seven minutes of failing while others get through: such a row needs a person. */
const MAX_ATTEMPTS = 300;
/** That many in a row, each alone: it is not the rows. */
const FAILURES_ALONE = 3;
/** Others get through when one did this lately. */
const LATELY_MS = 30_000;

export function createOutboxSweeper(options: OutboxSweeperOptions): OutboxSweeper {
  const { outbox, ready, deliver, onFailed, log, monotonicMs = () => performance.now() } = options;
  const warn = createRepeatedWarning(log, 'a batch could not be delivered by itself');
  let deliveredAtMs = -Infinity;
  let failedAtMs = -Infinity;

  async function sweep(): Promise<void> {
    while (ready()) {
      const rows = await outbox.claim(SWEEP_ROWS, SWEEP_LEASE_MS);
      if (rows.length === 0) return;
      await sweepRows(rows);
    }
  }

  async function sweepRows(rows: readonly OutboxRow[]): Promise<void> {
    const othersGetThrough = deliveredAtMs > failedAtMs;
    const error = await attempt(rows);
    if (error === undefined) return;
    if (rows.length > 1 && othersGetThrough) return sweepEach(rows);
    await postpone(rows, error, rows.length === 1);
    throw error;
  }

  async function sweepEach(rows: readonly OutboxRow[]): Promise<void> {
    let failuresInTurn = 0;
    for (const [at, row] of rows.entries()) {
      const error = await attempt([row]);
      failuresInTurn = error === undefined ? 0 : failuresInTurn + 1;
      if (error === undefined) continue;
      if (failuresInTurn === FAILURES_ALONE) {
        await postpone(rows.slice(at), error, false);
        throw error;
      }
      warn({ err: error, outboxId: String(row.id) });
      await postpone([row], error, true);
    }
  }

  /** Delivers and settles, or answers why not. */
  async function attempt(rows: readonly OutboxRow[]): Promise<Error | undefined> {
    try {
      await deliver(rows);
      await outbox.settle(rows.map(({ id }) => id));
      deliveredAtMs = monotonicMs();
      return undefined;
    } catch (error) {
      failedAtMs = monotonicMs();
      onFailed();
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async function postpone(
    rows: readonly OutboxRow[],
    { message }: Error,
    isTheirFault: boolean,
  ): Promise<void> {
    const counts = isTheirFault && monotonicMs() - deliveredAtMs < LATELY_MS;
    await outbox.postpone(
      rows.map(({ id }) => id),
      {
        error: message,
        minMs: RETRY_MIN_MS,
        maxMs: RETRY_MAX_MS,
        maxAttempts: counts ? MAX_ATTEMPTS : undefined,
      },
    );
  }

  const loop = createLoop({ name: 'outbox sweeper', everyMs: SWEEP_EVERY_MS, run: sweep, log });
  return {
    onDelivered() {
      deliveredAtMs = monotonicMs();
    },
    start: () => loop.start(),
    wake: () => loop.wake(),
    stop: () => loop.stop(),
  };
}
