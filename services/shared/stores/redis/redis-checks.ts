/**
 * What our processes check in Redis before they serve. A Redis that refuses us or that can't hold our keys is refused with one line
 * that says what to change. A Redis that is away is done without.
 */
import type { Log } from '../../telemetry/log.ts';
import { UnfitServerError } from '../unfit-server.ts';
import { describeRedisRefusal, type RedisClient } from './redis.ts';
import { describeRedisAddress } from './redis-address.ts';
import { diagnoseRedis, type RedisPlace } from './redis-diagnosis.ts';

/** Throws if what INFO answers is unsafe. */
type Check = (info: string) => void;

/**
 * Refuses a Redis that may evict keys when it is full: the order of a board is one key, and without it the board would be empty
 * while Redis still holds the right epoch. With `volatile-*` the index would stay, but rate limits, which have an expiry, would
 * be lost early. Without a memory limit Redis evicts nothing, whatever the policy. Read by INFO, since hosted servers often
 * refuse CONFIG.
 */
export function refuseEviction(info: string): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
  if (limit === 0 || policy === undefined || policy === 'noeviction') return;
  throw new UnfitServerError(
    `Redis may evict keys (${policy}), and boards would lose players: run "redis-cli config set maxmemory-policy noeviction" and set it in redis.conf`,
  );
}

/** Our scripts use keys of several slots. */
export function refuseCluster(info: string): void {
  if (!/^cluster_enabled:1/m.test(info)) return;
  throw new UnfitServerError(
    'Redis is a Redis Cluster (cluster_enabled:1), which is not supported: let REDIS_URL name a single server, with replicas if you like',
  );
}

export interface RedisChecks extends RedisPlace {
  readonly checks: readonly Check[];
  readonly log: Log;
}

/**
 * Checks Redis now if it answers, and at each reconnect, since another Redis may answer then. Rejects if Redis refuses us before it
 * was ever ready: the settings are wrong then.
 */
export async function checkRedisFromNowOn(redis: RedisClient, options: RedisChecks): Promise<void> {
  const { checks, log } = options;
  const check = async () => {
    try {
      const info = await redis.info();
      for (const each of checks) each(info);
    } catch (error) {
      if (error instanceof UnfitServerError) throw error;
      log.warn({ err: error }, 'Redis was not checked');
    }
  };
  const trouble = await firstNewsOf(redis);
  if (trouble !== undefined) await refuseLasting(trouble, options);
  if (redis.status === 'ready') await check();
  // Away at the start, and refuses us when it comes. Not caught: the process ends, and refuses to start with the same line.
  const onError = (error: unknown) => void refuseLasting(error, options);
  redis.on('error', onError);
  redis.on('ready', () => {
    // From now on a refusal is a change in the server, which can be taken back.
    redis.off('error', onError);
    // Not caught either.
    void check();
  });
  if (redis.status === 'ready') redis.off('error', onError);
}

/** Resolves when Redis is connected, or with the error when it can't be used. */
function firstNewsOf(redis: RedisClient): Promise<Error | undefined> {
  if (redis.status === 'ready') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const onReady = () => hear(undefined);
    const onClose = () =>
      hear(Object.assign(new Error('Redis closed the connection'), { code: 'ECONNRESET' }));
    const hear = (error: Error | undefined) => {
      redis.off('ready', onReady);
      redis.off('error', hear);
      redis.off('close', onClose);
      resolve(error);
    };
    redis.on('ready', onReady);
    redis.on('error', hear);
    redis.on('close', onClose);
  });
}

/** What a Redis that refuses us has in common with one that is restarting. */
const IS_CUT_OFF = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Rejects with one line if waiting does not help. */
async function refuseLasting(error: unknown, place: RedisPlace): Promise<void> {
  const code = String((error as { code?: unknown }).code);
  const refusal =
    describeRedisRefusal(error) ?? (IS_CUT_OFF.has(code) ? await diagnoseRedis(place) : undefined);
  if (refusal === undefined) return;
  throw new UnfitServerError(`Redis at ${describeRedisAddress(place.url)}: ${refusal}`, { cause: error });
}
