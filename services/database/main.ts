/** The migrate step: brings DATABASE_URL to the newest schema and ends. */
import { secretUrl } from '../shared/env.ts';
import { createLog } from '../shared/log.ts';
import { migrate } from './migrate.ts';

const log = createLog('migrate');
try {
  await migrate({ url: secretUrl(process.env, 'DATABASE_URL'), log });
} catch (error) {
  log.fatal({ err: error }, 'migration failed');
  process.exitCode = 1;
}
