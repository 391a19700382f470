/** Checks before anything starts that each process will get its port. A failure names the variable that chooses another port. */
import { whyNotFree } from '../host/ports.ts';
import {
  ADMIN_PORT_OFFSET,
  adminPortOf,
  hostOf,
  hostVariable,
  type LocalConfig,
  portVariable,
  UNIT_NAMES,
  type UnitName,
} from './local-config.ts';

export async function checkPorts(config: LocalConfig): Promise<void> {
  const checks = await Promise.all(
    UNIT_NAMES.map(async (name) => ({
      name,
      code: await whyNotFree(config.ports[name], hostOf(config, name)),
      adminCode: await whyNotFree(adminPortOf(config, name)),
    })),
  );
  for (const { name, code } of checks) {
    if (code === undefined || code === 'EADDRINUSE') continue;
    throw new Error(describe(config, name, code));
  }
  const taken = checks.flatMap(({ name, code, adminCode }) => [
    ...(code === undefined ? [] : [describePort(config, name)]),
    ...(adminCode === undefined ? [] : [describeAdminPort(config, name)]),
  ]);
  if (taken.length === 0) return;
  throw new Error(`port already in use: ${taken.join(', ')}; choose another with that variable`);
}

function describe(config: LocalConfig, name: UnitName, code: string): string {
  const host = `${hostVariable(name)}=${hostOf(config, name)}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `${host} is a name that cannot be resolved (${code})`;
  if (code === 'EADDRNOTAVAIL') return `${host} is not an address of this machine`;
  const port = describePort(config, name);
  if (code === 'EACCES') return `this user may not listen on port ${port}; choose one above 1023`;
  return `cannot listen on port ${port} at ${host}: ${code}`;
}

function describePort({ ports }: LocalConfig, name: UnitName): string {
  return `${ports[name]} (${portVariable(name)})`;
}

/** /metrics is where a scraper expects it, or nothing starts. */
function describeAdminPort(config: LocalConfig, name: UnitName): string {
  return `${adminPortOf(config, name)} (${portVariable(name)} + ${ADMIN_PORT_OFFSET}, the admin port of ${name})`;
}
