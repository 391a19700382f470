/**
 * Delivers what the fast path left in the outbox. Rows are delivered as a group while that works. When a group fails although
 * other deliveries succeed, one of its rows is at fault, and each is tried alone: a bad row then neither holds up the others
 * nor fails with them. Only such failures count as attempts of a row, so a row is given up only while others are delivered.
 * Everything that failed is retried within two seconds, because no event announces that the cause is gone, and a process that
 * was killed meanwhile has no memory of it.
 */
import { createLoop, type LoopOptions } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { OutboxRow, OutboxStore } from './outbox-store.ts';

export type OutboxSweeper = ReturnType<typeof createOutboxSweeper>;

export interface OutboxSweeperOptions {
  outbox: Pick<OutboxStore, 'claim' | 'settle' | 'postpone'>;
  /** Whether a row is due. It may be asked a moment late: the next turn finds the row. */
  hasDueRows: () => Promise<boolean>;
  everyMs: LoopOptions['everyMs'];
  /** False while a delivery would only wait until it times out. */
  ready: () => boolean;
  /** Rejects when any part was not delivered. */
  deliver: (rows: readonly OutboxRow[]) => Promise<void>;
  onFailed: () => void;
  log: Log;
  monotonicMs?: () => number;
}

const SWEEP_ROWS = 200;
/**
 * Many times the duration of a healthy sweep. It is no longer because a Postgres that continues after a pause may carry out
 * the claim of a sweeper that gave up long ago. A sweep that takes longer is repeated by another process, which is harmless.
 */
const SWEEP_LEASE_MS = 4_000;
/**
 * Part of the five seconds within which everything is delivered after a fault; another second passes until the next turn. Longer
 * waits would save nothing: while everything fails, each sweep ends with its first group, however many rows are due.
 */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 2_000;
/** Some seven minutes of failing while others are delivered: an operator has to look at such a row. */
const MAX_ATTEMPTS = 300;
/** After this many consecutive failures of rows tried alone, the rows are not the cause. */
const FAILURES_ALONE = 3;
/** Other deliveries succeed if one has within this time. */
const LATELY_MS = 30_000;

export function createOutboxSweeper(options: OutboxSweeperOptions) {
  const {
    outbox,
    hasDueRows,
    everyMs,
    ready,
    deliver,
    onFailed,
    log,
    monotonicMs = () => performance.now(),
  } = options;
  const warn = createRepeatedWarning(log, 'a batch could not be delivered by itself');
  let deliveredAtMs = -Infinity;
  let failedAtMs = -Infinity;
  let isWoken = false;

  async function sweep(): Promise<void> {
    const isAsked = isWoken;
    isWoken = false;
    if (!ready() || !(isAsked || (await hasDueRows()))) return;
    while (ready()) {
      const rows = await outbox.claim(SWEEP_ROWS, SWEEP_LEASE_MS);
      if (rows.length === 0) return;
      await sweepRows(rows);
    }
  }

  async function sweepRows(rows: readonly OutboxRow[]): Promise<void> {
    const othersSucceed = deliveredAtMs > failedAtMs;
    const error = await attempt(rows);
    if (error === undefined) return;
    if (rows.length > 1 && othersSucceed) return sweepEach(rows);
    await postpone(rows, error, rows.length === 1);
    throw error;
  }

  async function sweepEach(rows: readonly OutboxRow[]): Promise<void> {
    let consecutiveFailures = 0;
    for (const [at, row] of rows.entries()) {
      const error = await attempt([row]);
      consecutiveFailures = error === undefined ? 0 : consecutiveFailures + 1;
      if (error === undefined) continue;
      if (consecutiveFailures === FAILURES_ALONE) {
        await postpone(rows.slice(at), error, false);
        throw error;
      }
      warn({ err: error, outboxId: String(row.id) });
      await postpone([row], error, true);
    }
  }

  /** Delivers and settles. Returns the error if that fails. */
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

  const loop = createLoop({ name: 'outbox sweeper', everyMs, run: sweep, log });
  return {
    /** Notes that a batch was delivered on the fast path: other deliveries succeed. */
    onDelivered(): void {
      deliveredAtMs = monotonicMs();
    },
    start(): void {
      void loop.start();
    },
    /** Sweeps now. */
    wake(): void {
      isWoken = true;
      loop.wake();
    },
    stop: () => loop.stop(),
  };
}
