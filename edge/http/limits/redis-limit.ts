/**
 * The limits that all nodes share, in Redis: one script call for many checks. After a failed call no check waits for Redis
 * for a second; the caller then applies its own limits alone.
 */
import { readFileSync } from 'node:fs';
import type { Rate } from '../../../services/shared/rate/gcra.ts';
import {
  createScript,
  describeRedisTrouble,
  NOT_CONNECTED,
  type RedisClient,
} from '../../../services/shared/stores/redis/redis.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../../services/shared/telemetry/repeated-log.ts';

export type Limit = 'user' | 'address';
export type Rates = Readonly<Record<Limit, Rate>>;

export interface Check {
  readonly limit: Limit;
  readonly id: string;
  /** Number of requests in this check. */
  readonly count: number;
}

export interface RedisLimitOptions {
  rates: Rates;
  redis: RedisClient;
  /** The beginning of the keys. */
  prefix: string;
  log: Log;
  monotonicMs: () => number;
}

/** Checks go on without Redis for this long after it failed. */
const RETRY_REDIS_AFTER_MS = 1_000;
/** Without other checks Redis is probed this often: a connected Redis may still be unable to run the script. */
export const PROBE_AFTER_MS = 1_000;
/** No address has this form. */
const PROBE: Check = { limit: 'address', id: 'probe', count: 1 };

/** The order of the rates in the script's arguments. */
const LIMITS: readonly Limit[] = ['user', 'address'];

export function createRedisLimit({ rates, redis, prefix, log, monotonicMs }: RedisLimitOptions) {
  const runScript = defineScript(redis, prefix, rates);
  const warn = createRepeatedWarning(log, 'rate limits are per node for now');
  let retryAtMs = 0;
  let checkedAtMs = -Infinity;
  let trouble: string | undefined;

  /** Milliseconds to wait for each check, 0 if it passes. Undefined while Redis does not answer. */
  async function check(checks: readonly Check[]): Promise<readonly number[] | undefined> {
    if (redis.status !== 'ready' || monotonicMs() < retryAtMs) return undefined;
    checkedAtMs = monotonicMs();
    try {
      const waits = await runScript(checks);
      trouble = undefined;
      return waits;
    } catch (error) {
      trouble = describeRedisTrouble(error);
      warn({ err: error });
      retryAtMs = monotonicMs() + RETRY_REDIS_AFTER_MS;
      return undefined;
    }
  }

  return {
    check,
    /** Checks a key of its own if there was no other check lately, so that `trouble` is current without traffic. */
    async probe(): Promise<void> {
      if (monotonicMs() - checkedAtMs >= PROBE_AFTER_MS) await check([PROBE]);
    },
    /** Why the limits are per node for now; undefined while all nodes share them. */
    trouble: (): string | undefined => (redis.status === 'ready' ? trouble : NOT_CONNECTED),
  };
}

function defineScript(redis: RedisClient, prefix: string, rates: Rates) {
  const script = createScript(redis, readFileSync(new URL('./rate-limit.lua', import.meta.url), 'utf8'));
  const rateArguments = LIMITS.flatMap((limit) => [1000 / rates[limit].perSecond, rates[limit].burst]);
  return async (checks: readonly Check[]) =>
    (await script(
      checks.map(({ limit, id }) => `${prefix}rate:${limit}:${id}`),
      [
        LIMITS.length,
        ...rateArguments,
        ...checks.flatMap(({ limit, count }) => [LIMITS.indexOf(limit) + 1, count]),
      ],
    )) as number[];
}
