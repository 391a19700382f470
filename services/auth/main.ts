/** The auth process. */
import { runProcess } from '../shared/process/run-process.ts';
import { parseAuthConfig } from './config.ts';
import { startAuth } from './service.ts';

await runProcess('auth', ({ env, log }) => startAuth(parseAuthConfig(env), { log }));
