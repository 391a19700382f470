/** The step of a start that starts our six processes and waits until each is ready. */
import type { ServerAddresses } from '../servers/server-access.ts';
import { addressOf, adminPortOf, UNIT_NAMES, type UnitName } from '../site/local-config.ts';
import type { StackSite } from '../site/site.ts';
import type { SocketPaths } from '../site/sockets.ts';
import { type Kept, keepRunning } from '../supervise/keep-running.ts';
import { unitEnvironment } from './unit-environment.ts';
import { startUnitProcess } from './unit-process.ts';
import { sourcePath, UNITS } from './units.ts';
import { untilReady } from './until-ready.ts';

/** Starts all six at once. Resolves when each is ready for work, with the processes that are kept running. */
export async function startUnits(
  site: StackSite,
  servers: ServerAddresses,
  sockets: SocketPaths,
): Promise<ReadonlyMap<UnitName, Kept>> {
  const { config, signal, terminal } = site;
  const units = new Map<UnitName, Kept>();
  let ready = false;
  for (const name of UNIT_NAMES) {
    const adminPort = adminPortOf(config, name);
    const kept = startUnit(site, name, {
      env: unitEnvironment(name, config, servers, adminPort, sockets),
      adminPort,
      onEnd(how, logPath) {
        if (ready) terminal.say(`${name}: ${how}; restarting it`);
        else site.fail(new Error(`${name} did not start: ${how}; see ${logPath}`));
      },
    });
    units.set(name, kept);
  }
  await Promise.all(
    UNIT_NAMES.map(async (name) => {
      const url = `http://127.0.0.1:${adminPortOf(config, name)}/readyz`;
      await site.waitFor(name, untilReady(url, signal, UNITS[name].needs));
      terminal.say(`${name.padEnd(10)}${addressOf(config, name)}`);
    }),
  );
  await site.waitFor('edge', untilReady(`http://${addressOf(config, 'edge')}/readyz`, signal));
  ready = true;
  return units;
}

interface UnitStart {
  readonly env: Record<string, string>;
  readonly adminPort: number;
  readonly onEnd: (how: string, logPath: string) => void;
}

function startUnit(site: StackSite, name: UnitName, { env, adminPort, onEnd }: UnitStart): Kept {
  const log = site.openLog(name);
  const port = site.config.ports[name];
  const start = () => {
    const started = startUnitProcess({ entry: sourcePath(UNITS[name].entry), env, log, mark: site.mark });
    site.record.setProcess(name, { pid: started.pid, port, adminPort });
    return started;
  };
  const kept = keepRunning({
    first: start(),
    start: async () => start(),
    onEnd: (how) => onEnd(how, log.path),
  });
  site.keep(UNITS[name].stopsInTurn, kept);
  return kept;
}
