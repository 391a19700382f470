/**
 * Limits per player and per address. Each node first holds everybody to the whole limit on its own, which costs nothing
 * and keeps a flood away from Redis; what passes is then held to the same limit across all nodes, by one script call for
 * many requests. A node tells of a small share of a burst at a time, and of every single request when a burst is small: so
 * most requests wait for nobody, and n nodes let through at most n such shares more than one would. While Redis does not
 * answer in time, each node limits alone: n times looser with n nodes, still a limit, and the node's own count is warm.
 */
import { readFileSync } from 'node:fs';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import { createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import { createLocalLimiter, type LocalLimiter, type Rate } from '../../../services/shared/rate/gcra.ts';
import { RateLimitedError } from '../../../services/shared/rate/rate-limited.ts';
import {
  createScript,
  describeRedisTrouble,
  NOT_CONNECTED,
  type RedisClient,
} from '../../../services/shared/stores/redis.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../../services/shared/telemetry/repeated-log.ts';

export type Limit = 'user' | 'address';

export interface RateLimiter {
  /** Counts a request on this node. Refuses with RATE_LIMITED and the time to wait. */
  spendHere(limit: Limit, id: string): void;
  /** Counts it on all nodes together; likewise refuses. Nothing to wait for when its share is told of later. */
  spendEverywhere(limit: Limit, id: string): undefined | Promise<void>;
  /** Asks Redis when no request did so lately: it may answer, and not do what it is asked. */
  probe(): Promise<void>;
  /** Why limits are per node for now; undefined while all nodes share them. */
  trouble(): string | undefined;
  /** Refuses new requests and waits for the checks under way. */
  close(): Promise<void>;
}

export interface RateLimiterOptions {
  rates: Readonly<Record<Limit, Rate>>;
  redis: RedisClient;
  metrics: Metrics;
  log: Log;
  monotonicMs?: () => number;
}

interface Check {
  readonly limit: Limit;
  readonly id: string;
  /** Requests that it stands for. */
  readonly count: number;
}

/** The part of a burst that a node may keep to itself: one in sixteen is told of at once. */
const SHARE_OF_BURST = 1 / 16;
/** Keys whose untold requests are remembered; beyond, the one that was used longest ago goes untold. */
const MAX_UNTOLD = 100_000;

const MAX_BATCH = 256;
/** One under way, one being written: more would only queue inside Redis. */
const MAX_IN_FLIGHT = 2;
/** Twice what may wait for the score service. */
const MAX_QUEUE = 4_000;
/** After Redis failed to answer, nobody waits for it for this long. */
const RETRY_REDIS_AFTER_MS = 1_000;

/** Without requests Redis is asked this often. */
export const PROBE_AFTER_MS = 1_000;
/** No address looks like this. */
const PROBE: Check = { limit: 'address', id: 'probe', count: 1 };

/** The order in which the script hears of the rates. */
const LIMITS: readonly Limit[] = ['user', 'address'];

export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { rates, redis, metrics, log, monotonicMs = () => performance.now() } = options;
  const decisions = metrics.counter('edge_rate_limit_total', 'Rate limit checks by decision and by whom.', [
    'decision',
    'by',
  ]);
  const refusedHere = decisions.labels('refused', 'node');
  const refusedEverywhere = decisions.labels('refused', 'redis');
  const allowed = decisions.labels('allowed', 'redis');
  const allowedAlone = decisions.labels('allowed', 'node');
  const local: Readonly<Record<Limit, LocalLimiter>> = {
    user: createLocalLimiter(monotonicMs),
    address: createAddressLimiter(monotonicMs),
  };
  const script = defineScript(redis, rates);
  /** Requests that were let through and not told of, by limit and id. */
  const untold = new Map<string, number>();
  const telling = new Set<string>();
  let askRedisFrom = 0;
  let askedRedisAt = -Infinity;
  let trouble: string | undefined;
  const warn = createRepeatedWarning(log, 'rate limits are per node for now');

  /** Undefined while each node limits alone. */
  async function askRedis(checks: readonly Check[]): Promise<readonly number[] | undefined> {
    if (redis.status !== 'ready' || monotonicMs() < askRedisFrom) return undefined;
    askedRedisAt = monotonicMs();
    try {
      const waits = await script(checks);
      trouble = undefined;
      return waits;
    } catch (error) {
      trouble = describeRedisTrouble(error);
      warn({ err: error });
      askRedisFrom = monotonicMs() + RETRY_REDIS_AFTER_MS;
      return undefined;
    }
  }

  async function ask(checks: readonly Check[]): Promise<readonly number[]> {
    const waits = await askRedis(checks);
    if (waits !== undefined) {
      allowed.inc(waits.filter((waitMs) => waitMs === 0).length);
      return waits;
    }
    // Each of them has passed this node's own limit.
    allowedAlone.inc(checks.length);
    return checks.map(() => 0);
  }

  const coalescer = createCoalescer<Check, number>({
    maxBatch: MAX_BATCH,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    send: ask,
  });

  /** What to tell the other nodes now, this request included; 0 while it is little enough to keep. */
  function takeUntold(limit: Limit, key: string): number {
    // Until it is known how the last telling ends, nothing is kept: each request asks for itself.
    if (telling.has(key)) return 1;
    const count = (untold.get(key) ?? 0) + 1;
    const isKept = count < rates[limit].burst * SHARE_OF_BURST;
    remember(key, isKept ? count : 0);
    return isKept ? 0 : count;
  }

  function remember(key: string, count: number): void {
    // Deleted first, so that the map's order is that of use.
    untold.delete(key);
    if (count > 0) untold.set(key, count);
    if (untold.size > MAX_UNTOLD) {
      const [oldest = key] = untold.keys();
      untold.delete(oldest);
    }
  }

  async function tell(check: Check, key: string): Promise<void> {
    const isFirst = !telling.has(key);
    telling.add(key);
    try {
      const waitMs = await coalescer.submit(check).catch(whenFull);
      if (waitMs === 0) return;
      refusedEverywhere.inc();
      // Those that were let through before still have to be told of.
      if (isFirst) remember(key, check.count - 1);
      throw new RateLimitedError(check.limit, rates[check.limit], waitMs);
    } finally {
      if (isFirst) telling.delete(key);
    }
  }

  /** With too many checks waiting this node limits alone, as without Redis: one client's checks are nobody's refusal. */
  function whenFull(thrown: unknown): number {
    if (!(thrown instanceof AppError && thrown.reason === 'OVERLOADED')) throw thrown;
    allowedAlone.inc();
    return 0;
  }

  return {
    spendHere(limit, id) {
      const waitMs = local[limit].spend(id, rates[limit]);
      if (waitMs === 0) return;
      refusedHere.inc();
      throw new RateLimitedError(limit, rates[limit], waitMs);
    },
    spendEverywhere(limit, id) {
      const key = `${limit}:${id}`;
      const count = takeUntold(limit, key);
      return count === 0 ? undefined : tell({ limit, id, count }, key);
    },
    async probe() {
      if (monotonicMs() - askedRedisAt >= PROBE_AFTER_MS) await askRedis([PROBE]);
    },
    trouble: () => (redis.status === 'ready' ? trouble : NOT_CONNECTED),
    close: () => coalescer.close(),
  };
}

function defineScript(redis: RedisClient, rates: Readonly<Record<Limit, Rate>>) {
  const script = createScript(redis, readFileSync(new URL('./rate-limit.lua', import.meta.url), 'utf8'));
  const rateArguments = LIMITS.flatMap((limit) => [1000 / rates[limit].perSecond, rates[limit].burst]);
  return async (checks: readonly Check[]) =>
    (await script(
      checks.map(({ limit, id }) => `sb:rate:${limit}:${id}`),
      [
        LIMITS.length,
        ...rateArguments,
        ...checks.flatMap(({ limit, count }) => [LIMITS.indexOf(limit) + 1, count]),
      ],
    )) as number[];
}
