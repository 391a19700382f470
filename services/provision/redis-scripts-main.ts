/**
 * Keeps the scripts in a Redis that something else keeps running, as in containers: node services/provision/redis-scripts-main.ts
 * with REDIS_URL and REDIS_PASSWORD_FILE of the user `loader`. `npm start` does it for its own Redis by itself.
 */

import { runProcess } from '../shared/process/run-process.ts';
import { optionalSecret, secretUrl, withPassword } from '../shared/settings/env.ts';
import { keepScripts } from './redis-scripts.ts';

await runProcess('redis-scripts', async ({ env, log }) =>
  keepScripts({
    url: withPassword(secretUrl(env, 'REDIS_URL'), optionalSecret(env, 'REDIS_PASSWORD')),
    onLoaded: (loaded) => log.info({ loaded }, 'scripts loaded'),
    log,
  }),
);
