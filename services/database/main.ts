/** Migrates DATABASE_URL to the newest schema, updates the services' roles and rights and the declared boards, and exits. */
import { type Environment, flag, optionalSecret, optionalText } from '../shared/settings/env.ts';
import { parseSchema } from '../shared/stores/postgres/database-schema.ts';
import { databaseUrl, directDatabaseUrl } from '../shared/stores/postgres/database-url.ts';
import { createLog } from '../shared/telemetry/log.ts';
import { readBoardsFile } from './boards-file.ts';
import { migrate } from './migrate.ts';
import type { RoleOptions } from './roles.ts';

/** Undefined when no password is set: the services then connect with roles of the operator's choice. */
function parseRoles(env: Environment): RoleOptions | undefined {
  const score = optionalSecret(env, 'SCORE_DATABASE_PASSWORD');
  const rank = optionalSecret(env, 'RANK_DATABASE_PASSWORD');
  const auth = optionalSecret(env, 'AUTH_DATABASE_PASSWORD');
  if (score === undefined && rank === undefined && auth === undefined) return undefined;
  if (score === undefined || rank === undefined || auth === undefined) {
    throw new Error(
      'SCORE_DATABASE_PASSWORD, RANK_DATABASE_PASSWORD and AUTH_DATABASE_PASSWORD must all be set, or none of them',
    );
  }
  return {
    passwords: { score: score.reveal(), rank: rank.reveal(), auth: auth.reveal() },
    ownServer: flag(env, 'DATABASE_OWN_SERVER'),
  };
}

const log = createLog('migrate');
try {
  const { env } = process;
  const url = directDatabaseUrl(env) ?? databaseUrl(env);
  const file = optionalText(env, 'BOARDS_FILE');
  const boards = file === undefined ? [] : readBoardsFile(file);
  await migrate({ url, schema: parseSchema(env), log, roles: parseRoles(env), boards });
} catch (error) {
  log.fatal({ err: error }, 'migration failed');
  process.exitCode = 1;
}
