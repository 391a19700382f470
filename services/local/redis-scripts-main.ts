/**
 * Keeps the scripts in a Redis that something else keeps running, as in containers: node services/local/redis-scripts-main.ts
 * with REDIS_URL and REDIS_PASSWORD_FILE of the user `loader`. `npm start` does it for its own Redis at each start of it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { optionalSecret, secretUrl, withPassword } from '../shared/env.ts';
import { connectRedis } from '../shared/redis.ts';
import { runProcess } from '../shared/run-process.ts';
import { loadMissingScripts } from './redis-scripts.ts';

/** As long as a Redis that started again goes without its scripts, at most. */
const LOOK_EVERY_MS = 250;
const COMMAND_TIMEOUT_MS = 1_000;

await runProcess('redis-scripts', async ({ env, log }) => {
  const redis = connectRedis({
    url: withPassword(secretUrl(env, 'REDIS_URL'), optionalSecret(env, 'REDIS_PASSWORD')),
    connectionName: 'scoreboard-loader',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    log,
  });
  const stopping = new AbortController();
  const keeping = keep();

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const loaded = redis.status === 'ready' ? await loadMissingScripts(redis) : 0;
        if (loaded > 0) log.info({ loaded }, 'scripts loaded');
      } catch (error) {
        log.warn({ err: error }, 'scripts were not loaded');
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    async stop() {
      stopping.abort();
      await keeping;
      redis.disconnect();
    },
  };
});
