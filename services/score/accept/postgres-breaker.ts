/**
 * A circuit breaker for Postgres. After some consecutive failures, submissions are refused at once, with a retry time, instead
 * of waiting for a database that does not answer or accepts no writes. A probe in the background closes the breaker. Errors
 * about the contents of a statement, a conflict for example, count as answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../shared/errors/app-error.ts';
import { describePostgresTrouble } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';

export type PostgresBreaker = ReturnType<typeof createPostgresBreaker>;

export interface PostgresBreakerOptions {
  pool: Pick<PostgresPool, 'checkWritable'>;
  log: Log;
  metrics: Metrics;
}

/**
 * Two rounds of batches: one stall, while a disk is flushed for example, is no outage, and a database that hangs is found
 * within two seconds. A breaker that opened for one stall is closed by its first probe.
 */
const FAILURES_TO_OPEN = 4;
/** Short, so that a recovery is noticed before clients retry. */
const PROBE_EVERY_MS = 250;
const PROBE_LIMIT_MS = 500;
/** About the time in which Postgres restarts. */
const RETRY_AFTER_MS = 1_000;

export function createPostgresBreaker({ pool, log, metrics }: PostgresBreakerOptions) {
  let failures = 0;
  let open = false;
  let trouble = '';
  const warn = createRepeatedWarning(log, 'Postgres accepts no writes: submissions are refused');
  const stopping = new AbortController();
  let probing: Promise<void> = Promise.resolve();
  metrics.gauge('score_store_breaker_open', '1 while submissions are refused because Postgres is away.', {
    collect: () => Number(open),
  });

  function onFailure(error: AppError): void {
    failures += 1;
    if (open || failures < FAILURES_TO_OPEN) return;
    open = true;
    trouble = describePostgresTrouble(error);
    warn({ err: error });
    probing = probeUntilWritable();
  }

  async function probeUntilWritable(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await pool.checkWritable(PROBE_LIMIT_MS);
        open = false;
        failures = 0;
        return;
      } catch (error) {
        trouble = describePostgresTrouble(error);
        log.debug({ err: error }, 'submissions are still refused');
      }
      await delay(PROBE_EVERY_MS, undefined, { signal: stopping.signal }).catch(ignoreAbort);
    }
  }

  return {
    /** Runs a call to Postgres and counts whether it was answered. */
    async run<Value>(call: () => Promise<Value>): Promise<Value> {
      try {
        const value = await call();
        failures = 0;
        return value;
      } catch (error) {
        if (error instanceof AppError && isOutage(error)) onFailure(error);
        else failures = 0;
        throw error;
      }
    },
    /** The refusal for submissions while the breaker is open; undefined while it is closed. */
    refusal: () => (open ? new AppError('STORE_UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS }) : undefined),
    /** Why the breaker is open; undefined while it is closed. */
    trouble: () => (open ? trouble : undefined),
    async stop(): Promise<void> {
      stopping.abort();
      await probing;
    },
  };
}

function ignoreAbort(): void {}

function isOutage({ kind }: AppError): boolean {
  return kind === 'unavailable' || kind === 'deadline_exceeded';
}
