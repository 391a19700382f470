/** Brings the scripts that the services run by digest into a Redis: it forgets them whenever it starts again. */
import { once } from 'node:events';
import { createSilentLog } from '../shared/log.ts';
import { connectRedis, type RedisClient, scriptDigest } from '../shared/redis.ts';
import { redisScripts } from './redis-users.ts';

const LIMIT_MS = 2_000;

/** Loads those that are missing, and answers how many there were. */
export async function loadMissingScripts(redis: RedisClient): Promise<number> {
  const texts = redisScripts().map(({ text }) => text);
  const present = (await redis.script('EXISTS', ...texts.map(scriptDigest))) as number[];
  const missing = texts.filter((_, at) => present[at] !== 1);
  for (const text of missing) await redis.script('LOAD', text);
  return missing.length;
}

/** The same over a connection of its own. Rejects when Redis does not answer in time. */
export async function loadScriptsInto(url: string): Promise<void> {
  const redis = connectRedis({
    ...{ url, connectionName: 'scoreboard-loader', commandTimeoutMs: LIMIT_MS },
    log: createSilentLog(),
  });
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(LIMIT_MS) });
    await loadMissingScripts(redis);
  } finally {
    redis.disconnect();
  }
}
