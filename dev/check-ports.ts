/** Whether each process will get its port, told before anything is started, with the variable that chooses another. */
import { hostOf, hostVariable, type LocalConfig, portVariable, UNIT_NAMES, type UnitName } from './config.ts';
import { whyNotFree } from './host/ports.ts';

export async function checkPorts(config: LocalConfig): Promise<void> {
  const looks = await Promise.all(
    UNIT_NAMES.map(async (name) => ({
      name,
      code: await whyNotFree(config.ports[name], hostOf(config, name)),
    })),
  );
  for (const { name, code } of looks) {
    if (code === undefined || code === 'EADDRINUSE') continue;
    throw new Error(describe(config, name, code));
  }
  const taken = looks.filter(({ code }) => code !== undefined).map(({ name }) => describePort(config, name));
  if (taken.length === 0) return;
  throw new Error(`port already in use: ${taken.join(', ')}; choose another with that variable`);
}

function describe(config: LocalConfig, name: UnitName, code: string): string {
  const host = `${hostVariable(name)}=${hostOf(config, name)}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `${host} is a name that cannot be resolved (${code})`;
  if (code === 'EADDRNOTAVAIL') return `${host} is no address of this machine`;
  const port = describePort(config, name);
  if (code === 'EACCES') return `port ${port} may not be used by this user; choose one above 1023`;
  return `port ${port} cannot be used at ${host}: ${code}`;
}

function describePort({ ports }: LocalConfig, name: UnitName): string {
  return `${ports[name]} (${portVariable(name)})`;
}
