/**
 * Rate limits per player and per address.
 *
 * Each node first applies the whole limit by itself, in memory: this needs no I/O and keeps a flood away from Redis. What
 * passes is reported to Redis, which applies the same limit to all nodes together. A node may keep a sixteenth of a burst
 * unreported, so most requests do not wait for Redis, and n nodes let through at most n such shares more than one node
 * would. Where bursts are small, every request is reported. While Redis does not answer, each node limits alone: n nodes
 * then allow up to n times the limit.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import { createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import { createLocalLimiter } from '../../../services/shared/rate/gcra.ts';
import { createRateLimit, type RateLimit } from '../../../services/shared/rate/rate-limit.ts';
import { RateLimitedError } from '../../../services/shared/rate/rate-limited.ts';
import type { RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';
import { type Check, createRedisLimit, type Limit, PROBE_AFTER_MS, type Rates } from './redis-limit.ts';
import { UnreportedRequests } from './unreported.ts';

export interface RateLimiterOptions {
  rates: Rates;
  redis: RedisClient;
  /** The beginning of the keys. */
  prefix: string;
  metrics: Metrics;
  log: Log;
  monotonicMs?: () => number;
}

const MAX_BATCH = 256;
/** One call is under way while the next is written; more would only queue inside Redis. */
const MAX_IN_FLIGHT = 2;
/** Twice what may wait for the score service. */
const MAX_QUEUE = 4_000;

export type RateLimiter = ReturnType<typeof createRateLimiter>;

export function createRateLimiter(options: RateLimiterOptions) {
  const { rates, redis, prefix, metrics, log, monotonicMs = () => performance.now() } = options;
  const decisions = metrics.counter('edge_rate_limit_total', 'Rate limit checks by decision and by whom.', [
    'decision',
    'by',
  ]);
  const refusedHere = decisions.labels('refused', 'node');
  const refusedEverywhere = decisions.labels('refused', 'redis');
  const allowed = decisions.labels('allowed', 'redis');
  const allowedAlone = decisions.labels('allowed', 'node');
  const onRefused = () => refusedHere.inc();
  const local: Readonly<Record<Limit, RateLimit>> = {
    user: createRateLimit({
      policy: 'user',
      rate: rates.user,
      limiter: createLocalLimiter(monotonicMs),
      onRefused,
    }),
    address: createRateLimit({
      policy: 'address',
      rate: rates.address,
      limiter: createAddressLimiter(monotonicMs),
      onRefused,
    }),
  };
  const shared = createRedisLimit({ rates, redis, prefix, log, monotonicMs });
  const unreported = new UnreportedRequests();
  /** Keys with a report under way. */
  const reporting = new Set<string>();
  let probing: NodeJS.Timeout | undefined;

  const coalescer = createCoalescer<Check, number>({
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    async send(checks) {
      const waits = await shared.check(checks);
      if (waits === undefined) {
        // Each of them has passed this node's own limit.
        allowedAlone.inc(checks.length);
        return checks.map(() => 0);
      }
      allowed.inc(waits.filter((waitMs) => waitMs === 0).length);
      return waits;
    },
  });

  async function report(check: Check, key: string): Promise<void> {
    const isFirst = !reporting.has(key);
    reporting.add(key);
    try {
      const waitMs = await coalescer.submit(check).catch(allowIfFull);
      if (waitMs === 0) return;
      refusedEverywhere.inc();
      // This request is refused; the ones before it were let through and must still be reported.
      if (isFirst) unreported.set(key, check.count - 1);
      throw new RateLimitedError(check.limit, rates[check.limit], waitMs);
    } finally {
      if (isFirst) reporting.delete(key);
    }
  }

  /** With a full queue this node limits alone, as without Redis: a client's flood of checks must not refuse others. */
  function allowIfFull(thrown: unknown): number {
    if (!(thrown instanceof AppError && thrown.reason === 'OVERLOADED')) throw thrown;
    allowedAlone.inc();
    return 0;
  }

  return {
    /** Counts a request on this node. Refuses with RATE_LIMITED and the time to wait. */
    spendHere(limit: Limit, id: string): void {
      local[limit].spend(id);
    },
    /** Counts a request across all nodes and refuses likewise. Returns undefined if the request stays unreported for now. */
    spendEverywhere(limit: Limit, id: string): undefined | Promise<void> {
      const key = `${limit}:${id}`;
      // While a report of the key is under way, each request is reported by itself, since the report may be refused.
      const count = reporting.has(key) ? 1 : unreported.add(key, rates[limit].burst);
      return count === 0 ? undefined : report({ limit, id, count }, key);
    },
    probe: shared.probe,
    trouble: shared.trouble,
    /** Probes Redis from now on until `close`. */
    startProbing(): void {
      probing = setInterval(() => void shared.probe(), PROBE_AFTER_MS);
    },
    /** Refuses new checks and waits for those under way. */
    close(): Promise<void> {
      clearInterval(probing);
      return coalescer.close();
    },
  };
}
