/** A limiter over a scripted Redis, with a clock that the test moves. */
import { beforeEach, expect, vi } from 'vitest';
import { createRateLimiter, type RateLimiter } from '../../../../../edge/http/limits/rate-limiter.ts';
import type { Limit } from '../../../../../edge/http/limits/redis-limit.ts';
import type { Rate } from '../../../../../services/shared/rate/gcra.ts';
import type { Log } from '../../../../../services/shared/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../../../../services/shared/telemetry/metrics.ts';
import { type ScriptCall, ScriptedRedis } from '../../../../support/doubles/scripted-redis.ts';
import { eventually } from '../../../../support/eventually.ts';

export const RATES: Record<Limit, Rate> = {
  user: { perSecond: 10, burst: 64 },
  address: { perSecond: 4, burst: 32 },
};
/** A node reports a sixteenth of a burst at once. */
export const USER_SHARE = 4;

export let redis: ScriptedRedis;
export let metrics: Metrics;
export let limiter: RateLimiter;
let nowMs: number;
export const warn = vi.fn();

export function start(rates: Record<Limit, Rate>): void {
  metrics = createMetrics('test', { runtime: false });
  const log = { warn } as unknown as Log;
  limiter = createRateLimiter({
    rates,
    redis: redis.client,
    prefix: 'sb:',
    metrics,
    log,
    monotonicMs: () => nowMs,
  });
}

/** What a call of the script says: key, place of its rate, and requests, for each check. */
export function checksOf({ keys, args }: ScriptCall): (readonly [string, number, number])[] {
  const pairs = args.slice(5);
  return keys.map((key, index) => [key, Number(pairs[2 * index]), Number(pairs[2 * index + 1])]);
}
export const reported = () => redis.calls.flatMap(checksOf);
export function allowAll(): void {
  redis.answer = ({ keys }) => keys.map(() => 0);
}
export const refuseAll = (waitMs: number) => {
  redis.answer = ({ keys }: ScriptCall) => keys.map(() => waitMs);
};
export const fail = () => {
  redis.answer = () => Promise.reject(new Error('Command timed out'));
};
export const limited = (retryAfterMs: number) => ({ reason: 'RATE_LIMITED', retryAfterMs });
export const spend = (times: number, id = 'ann', limit: Limit = 'user') =>
  Promise.all(Array.from({ length: times }, () => limiter.spendEverywhere(limit, id)));
/** Waits until a report has reached the script. */
export const untilReported = (calls: number) => eventually(() => expect(redis.calls.length).toBe(calls));
export async function count(decision: string, by: string): Promise<number> {
  const line = (await metrics.text())
    .split('\n')
    .find((text) => text.includes(`decision="${decision}"`) && text.includes(`by="${by}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}
export const kept = (times: number, id = 'ann') => {
  for (let index = 0; index < times; index += 1) expect(limiter.spendEverywhere('user', id)).toBeUndefined();
};

export function pass(ms: number): void {
  nowMs += ms;
}

/** Gives each test of a file a limiter of its own. */
export function useLimiter(): void {
  beforeEach(() => {
    warn.mockClear();
    redis = new ScriptedRedis();
    allowAll();
    nowMs = 5_000;
    start(RATES);
  });
}
