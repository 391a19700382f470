/**
 * Keeps the scripts that the services run by digest in a Redis, over a connection of the user `loader`. A Redis forgets them
 * whenever it starts again, when somebody flushes them, and when another one takes its place.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '../shared/settings/secret.ts';
import { connectRedis, type RedisClient, scriptDigest } from '../shared/stores/redis.ts';
import { createSilentLog, type Log } from '../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../shared/telemetry/repeated-log.ts';
import { redisScripts } from './redis-users.ts';

export interface ScriptKeeper {
  stop(): Promise<void>;
}

const LIMIT_MS = 2_000;
/** As long as a Redis goes without its scripts, at most. One small request each. */
const LOOK_EVERY_MS = 250;

/** Loads those that are missing, and answers how many there were. */
async function loadMissingScripts(redis: RedisClient, texts: readonly string[]): Promise<number> {
  const present = (await redis.script('EXISTS', ...texts.map(scriptDigest))) as number[];
  const missing = texts.filter((_, at) => present[at] !== 1);
  for (const text of missing) await redis.script('LOAD', text);
  return missing.length;
}

const readTexts = () => redisScripts().map(({ text }) => text);
const connect = (url: Secret | string, log: Log) =>
  connectRedis({ url, connectionName: 'scoreboard-loader', commandTimeoutMs: LIMIT_MS, log });

/** Loads them once. Rejects when Redis does not answer in time. */
export async function loadScriptsInto(url: string): Promise<void> {
  const redis = connect(url, createSilentLog());
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(LIMIT_MS) });
    await loadMissingScripts(redis, readTexts());
  } finally {
    redis.disconnect();
  }
}

/** Looks again and again, and loads what is missing. */
export function keepScripts({
  url,
  onLoaded,
  log,
}: {
  url: Secret | string;
  onLoaded: (scripts: number) => void;
  log: Log;
}): ScriptKeeper {
  const redis = connect(url, log);
  const texts = readTexts();
  const stopping = new AbortController();
  const warn = createRepeatedWarning(log, 'scripts were not loaded');
  const keeping = keep();

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const loaded = redis.status === 'ready' ? await loadMissingScripts(redis, texts) : 0;
        if (loaded > 0) onLoaded(loaded);
      } catch (error) {
        warn({ err: error });
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    async stop() {
      stopping.abort();
      redis.disconnect();
      await keeping;
    },
  };
}
