/**
 * Spares everybody the wait for a database that does not answer, or takes no writes. After some failures in a row submissions are refused at
 * once, with a time to come back, until a probe in the background gets an answer. What the database itself answers, a
 * conflict for example, is no failure here.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { describePostgresTrouble } from '../../shared/stores/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { AcceptStore } from './accept-store.ts';

export interface StoreBreaker {
  /** The same store, watched. */
  readonly store: AcceptStore;
  /** Runs another call to the same database, watched too. */
  watched<Value>(call: () => Promise<Value>): Promise<Value>;
  /** Why submissions are refused; undefined while they are not. */
  trouble(): string | undefined;
  /** Why nothing can be written now, or undefined while it can. */
  refusal(): AppError | undefined;
  stop(): Promise<void>;
}

export interface StoreBreakerOptions {
  store: AcceptStore;
  /** Resolves when the database takes writes. */
  probe: () => Promise<unknown>;
  log: Log;
  metrics: Metrics;
}

/**
 * Two rounds of batches: one stall, of a disk that is flushed for example, is no outage, and a database that hangs is found
 * within two seconds. A breaker that opened without need is closed by its first probe.
 */
const FAILURES_TO_OPEN = 4;
/** A database that is back should be noticed before clients come back. */
const PROBE_EVERY_MS = 250;
/** What clients are told: a database restarts in about this time. */
const RETRY_AFTER_MS = 1_000;

export function createStoreBreaker({ store, probe, log, metrics }: StoreBreakerOptions): StoreBreaker {
  let failures = 0;
  let open = false;
  let trouble = '';
  const warn = createRepeatedWarning(log, 'postgres takes no writes: submissions are refused');
  let stopped = false;
  let probing: Promise<void> = Promise.resolve();
  let endPause: (() => void) | undefined;
  metrics.gauge('score_store_breaker_open', '1 while submissions are refused because Postgres is away.', {
    collect: () => Number(open),
  });

  async function watched<Value>(call: () => Promise<Value>): Promise<Value> {
    try {
      const value = await call();
      failures = 0;
      return value;
    } catch (error) {
      if (error instanceof AppError && isOutage(error)) onFailure(error);
      else failures = 0;
      throw error;
    }
  }

  function onFailure(error: AppError): void {
    failures += 1;
    if (open || failures < FAILURES_TO_OPEN) return;
    open = true;
    trouble = describePostgresTrouble(error);
    warn({ err: error });
    probing = probeUntilAnswered();
  }

  async function probeUntilAnswered(): Promise<void> {
    while (!stopped) {
      try {
        await probe();
        open = false;
        failures = 0;
        return;
      } catch (error) {
        trouble = describePostgresTrouble(error);
        log.debug({ err: error }, 'submissions are still refused');
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PROBE_EVERY_MS);
        endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  return {
    store: {
      insert: (players, actions, limitMs) => watched(() => store.insert(players, actions, limitMs)),
      find: (keys, limitMs) => watched(() => store.find(keys, limitMs)),
    },
    watched,
    trouble: () => (open ? trouble : undefined),
    refusal: () => (open ? new AppError('STORE_UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS }) : undefined),
    async stop() {
      stopped = true;
      endPause?.();
      await probing;
    },
  };
}

function isOutage({ kind }: AppError): boolean {
  return kind === 'unavailable' || kind === 'deadline_exceeded';
}
