/** The migrate step: brings DATABASE_URL to the newest schema, the services' roles to their rights, and ends. */

import { type Environment, flag, optionalSecret, secretUrl, withPassword } from '../shared/settings/env.ts';
import { createLog } from '../shared/telemetry/log.ts';
import { migrate } from './migrate.ts';
import type { RoleOptions } from './roles.ts';

/** Undefined when no password is given: then the services use an address of the operator's choice. */
function parseRoles(env: Environment): RoleOptions | undefined {
  const score = optionalSecret(env, 'SCORE_DATABASE_PASSWORD');
  const rank = optionalSecret(env, 'RANK_DATABASE_PASSWORD');
  const auth = optionalSecret(env, 'AUTH_DATABASE_PASSWORD');
  if (score === undefined && rank === undefined && auth === undefined) return undefined;
  if (score === undefined || rank === undefined || auth === undefined) {
    throw new Error(
      'SCORE_DATABASE_PASSWORD, RANK_DATABASE_PASSWORD and AUTH_DATABASE_PASSWORD must be set all, or none of them',
    );
  }
  return {
    passwords: { score: score.reveal(), rank: rank.reveal(), auth: auth.reveal() },
    ownServer: flag(env, 'DATABASE_OWN_SERVER', true),
  };
}

const log = createLog('migrate');
try {
  const { env } = process;
  const url = withPassword(secretUrl(env, 'DATABASE_URL'), optionalSecret(env, 'DATABASE_PASSWORD'));
  await migrate({ url, log, roles: parseRoles(env) });
} catch (error) {
  log.fatal({ err: error }, 'migration failed');
  process.exitCode = 1;
}
