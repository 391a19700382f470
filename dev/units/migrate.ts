/** The step of a start that migrates the database and decides as whom the services connect to it. */
import { ensurePasswords, passwordFile } from '../../services/provision/store-passwords.ts';
import { secretsDir } from '../../services/shared/identity/stack-file.ts';
import { rolesCanConnect } from '../servers/given-database.ts';
import type { ServerAddress } from '../servers/server-access.ts';
import type { StackSite } from '../site/site.ts';
import { systemEnvironment } from './unit-environment.ts';
import { startUnitProcess } from './unit-process.ts';
import { sourcePath } from './units.ts';

/** Returns the address for the services. */
export async function migrateDatabase(site: StackSite, database: ServerAddress): Promise<ServerAddress> {
  const { config, signal } = site;
  const secrets = secretsDir(config.dataDir);
  const passwords = await ensurePasswords(secrets, 'postgres');
  const log = site.openLog('migrate');
  const step = startUnitProcess({
    entry: sourcePath('services/database/main.ts'),
    env: {
      ...systemEnvironment(config),
      DATABASE_URL: database.url,
      ...(config.databaseDirectUrl !== undefined && { DATABASE_DIRECT_URL: config.databaseDirectUrl }),
      ...(config.boardsFile !== undefined && { BOARDS_FILE: config.boardsFile }),
      DATABASE_SCHEMA: config.databaseSchema,
      DATABASE_OWN_SERVER: String(database.ownUsers),
      SCORE_DATABASE_PASSWORD_FILE: passwordFile(secrets, 'postgres', 'score'),
      RANK_DATABASE_PASSWORD_FILE: passwordFile(secrets, 'postgres', 'rank'),
      AUTH_DATABASE_PASSWORD_FILE: passwordFile(secrets, 'postgres', 'auth'),
    },
    log,
    mark: site.mark,
  });
  const cancel = () => void step.stop();
  signal.addEventListener('abort', cancel);
  const succeeded = await site.waitFor('migrate', step.succeeded);
  signal.removeEventListener('abort', cancel);
  signal.throwIfAborted();
  if (!succeeded) throw new Error(`the database could not be migrated; see ${log.path}`);
  if (database.ownUsers || (await rolesCanConnect(database.url, passwords, config.databaseSchema)))
    return { ...database, ownUsers: true, schema: config.databaseSchema };
  site.terminal.say(
    `the services have no roles of their own in the given database and use DATABASE_URL; see ${log.path}`,
  );
  return database;
}
