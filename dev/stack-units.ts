/** The steps of a start that run our own processes: the migrate step to its end, then the six that serve. */

import { ensurePasswords, passwordFile } from '../services/provision/store-passwords.ts';
import { addressOf, UNIT_NAMES, type UnitName } from './config.ts';
import { freePort, isPortFree } from './host/ports.ts';
import { rolesCanConnect } from './servers/given-database.ts';
import { keepRunning } from './servers/keep-running.ts';
import type { ServerAddress, ServerAddresses } from './servers/server-access.ts';
import type { StackSite } from './stack-site.ts';
import { startUnitProcess, type UnitProcess, untilReady } from './units/unit-process.ts';
import { entryPath, secretsDir, systemEnvironment, UNITS, unitEnvironment } from './units/units.ts';

/** A metrics port that a person can guess. */
const ADMIN_PORT_OFFSET = 1_000;

/** Answers how the services reach the database from then on. */
export async function migrateDatabase(site: StackSite, database: ServerAddress): Promise<ServerAddress> {
  const { config, signal } = site;
  const secrets = secretsDir(config.dataDir);
  const passwords = await ensurePasswords(secrets, 'postgres');
  const log = site.openLog('migrate');
  const step = startUnitProcess({
    entry: entryPath('services/database/main.ts'),
    env: {
      ...systemEnvironment(config),
      DATABASE_URL: database.url,
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
  if (database.ownUsers || (await rolesCanConnect(database.url, passwords)))
    return { ...database, ownUsers: true };
  site.terminal.say(
    `the services have no roles of their own in the given database and use DATABASE_URL; see ${log.path}`,
  );
  return database;
}

/** Starts all six at once, and resolves when each is ready for work. */
export async function startUnits(site: StackSite, servers: ServerAddresses): Promise<void> {
  const { config, signal } = site;
  const adminPorts = await chooseAdminPorts(config.ports);
  signal.throwIfAborted();
  let ready = false;
  const { terminal } = site;
  for (const name of UNIT_NAMES) {
    startUnit(site, name, {
      env: unitEnvironment(name, config, servers, adminPorts[name]),
      adminPort: adminPorts[name],
      onEnd(how, logPath) {
        if (ready) terminal.say(`${name}: ${how}; starting it again`);
        else site.fail(new Error(`${name} did not start: ${how}; see ${logPath}`));
      },
    });
  }
  await Promise.all(
    UNIT_NAMES.map(async (name) => {
      const url = `http://127.0.0.1:${adminPorts[name]}/readyz`;
      await site.waitFor(name, untilReady(url, signal, UNITS[name].needs));
      terminal.say(`${name.padEnd(10)}${addressOf(config, name)}`);
    }),
  );
  await site.waitFor('edge', untilReady(`http://${addressOf(config, 'edge')}/readyz`, signal));
  ready = true;
}

function startUnit(
  site: StackSite,
  name: UnitName,
  options: {
    env: Record<string, string>;
    adminPort: number;
    onEnd: (how: string, logPath: string) => void;
  },
): void {
  const log = site.openLog(name);
  const port = site.config.ports[name];
  const start = () => {
    const started = startUnitProcess({
      ...{ entry: entryPath(UNITS[name].entry), env: options.env },
      ...{ log, mark: site.mark },
    });
    note(started);
    return started;
  };
  const note = ({ pid }: UnitProcess) =>
    site.record.setProcess(name, { pid, port, adminPort: options.adminPort });
  const kept = keepRunning({
    first: start(),
    start: async () => start(),
    onEnd: (how) => options.onEnd(how, log.path),
  });
  site.keep(UNITS[name].stopsInTurn, kept);
}

async function chooseAdminPorts(
  ports: Readonly<Record<UnitName, number>>,
): Promise<Record<UnitName, number>> {
  const taken = new Set(Object.values(ports));
  const chosen: Record<UnitName, number> = { ...ports };
  for (const name of UNIT_NAMES) {
    let port = ports[name] + ADMIN_PORT_OFFSET;
    if (port > 65_535 || taken.has(port) || !(await isPortFree(port))) port = await freePort([...taken]);
    taken.add(port);
    chosen[name] = port;
  }
  return chosen;
}
