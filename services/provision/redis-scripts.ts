/**
 * Keeps the scripts that the services run by digest loaded in Redis, over a connection of the user `loader`. Redis loses them when
 * it restarts, when they are flushed, and when another Redis takes its place.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Deadline } from '../shared/flow/deadline.ts';
import type { Secret } from '../shared/settings/secret.ts';
import { connectRedis, type RedisClient, scriptDigest } from '../shared/stores/redis/redis.ts';
import type { TlsFiles } from '../shared/stores/tls-files.ts';
import { createSilentLog, type Log } from '../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../shared/telemetry/repeated-log.ts';
import { redisScripts } from './redis-users.ts';

export type ScriptKeeper = ReturnType<typeof keepScripts>;

const LIMIT_MS = 2_000;
/** The longest time that Redis is without its scripts after they were flushed. A new connection is checked at once. */
const LOOK_EVERY_MS = 1_000;

/** Loads missing scripts and returns their number. */
async function loadMissingScripts(redis: RedisClient, texts: readonly string[]): Promise<number> {
  const present = (await redis.script('EXISTS', ...texts.map(scriptDigest))) as number[];
  const missing = texts.filter((_, at) => present[at] !== 1);
  for (const text of missing) await redis.script('LOAD', text);
  return missing.length;
}

const readTexts = () => redisScripts().map(({ text }) => text);
const connect = (url: Secret | string, log: Log, tls?: TlsFiles) =>
  connectRedis({ url, tls, connectionName: 'scoreboard-loader', commandTimeoutMs: LIMIT_MS, log });

/** Loads them once. Rejects when Redis does not answer in time. */
export async function loadScriptsInto(url: string): Promise<void> {
  const redis = connect(url, createSilentLog());
  try {
    await once(redis, 'ready', { signal: Deadline.after(LIMIT_MS).signal() });
    await loadMissingScripts(redis, readTexts());
  } finally {
    redis.disconnect();
  }
}

/** Checks at intervals and loads missing scripts until it is stopped. */
export function keepScripts({
  url,
  tls,
  onLoaded,
  log,
}: {
  url: Secret | string;
  tls?: TlsFiles | undefined;
  onLoaded: (scripts: number) => void;
  log: Log;
}) {
  const redis = connect(url, log, tls);
  const texts = readTexts();
  const stopping = new AbortController();
  let resting = new AbortController();
  const warn = createRepeatedWarning(log, 'scripts were not loaded');
  // Another Redis may answer now.
  redis.on('ready', () => resting.abort());
  const keeping = keep();

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const loaded = redis.status === 'ready' ? await loadMissingScripts(redis, texts) : 0;
        if (loaded > 0) onLoaded(loaded);
      } catch (error) {
        warn({ err: error });
      }
      resting = new AbortController();
      const signal = AbortSignal.any([stopping.signal, resting.signal]);
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
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
