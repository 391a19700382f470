/**
 * Keeps the scripts loaded in a Redis that `npm start` does not run, as in containers: node services/provision/redis-scripts-main.ts
 * with REDIS_URL and REDIS_PASSWORD_FILE of the user `loader`. `npm start` does this for its own Redis.
 */

import { runProcess } from '../shared/process/run-process.ts';
import { parseRedisUrl } from '../shared/stores/redis/redis-address.ts';
import { parseTlsFiles } from '../shared/stores/tls-files.ts';
import { keepScripts } from './redis-scripts.ts';

await runProcess('redis-scripts', async ({ env, log }) =>
  keepScripts({
    url: parseRedisUrl(env),
    tls: parseTlsFiles(env, 'REDIS'),
    onLoaded: (loaded) => log.info({ loaded }, 'scripts loaded'),
    log,
  }),
);
