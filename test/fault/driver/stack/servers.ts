/** The servers of a fault stack, kept running by the product's own supervision. */
import { join } from 'node:path';
import type { LocalServer, ServerOptions } from '../../../../dev/servers/child-server.ts';
import { startNatsServer } from '../../../../dev/servers/nats-server.ts';
import { startPostgresServer } from '../../../../dev/servers/postgres-server.ts';
import { startRedisServer } from '../../../../dev/servers/redis-server.ts';
import { keepRunning } from '../../../../dev/supervise/keep-running.ts';
import { secretsDir } from '../../../../services/shared/identity/stack-file.ts';
import { mountSmallDisk, type SmallDisk } from '../../../support/servers/small-disk.ts';
import { placeCluster } from '../../../support/servers/test-postgres.ts';
import type { ServerName } from './components.ts';
import type { StackProcesses } from './processes.ts';

type Launch = (options: ServerOptions) => Promise<LocalServer>;
type Closers = (() => Promise<void>)[];

const LAUNCHES: Readonly<Record<ServerName, Launch>> = {
  postgres: startPostgresServer,
  redis: startRedisServer,
  nats: startNatsServer,
};
/** In megabytes: room for a run's write-ahead log, and for more than the few events that JetStream keeps. */
const DISKS = { postgres: 1_000, nats: 64 } as const;

/** Where a server keeps its data. */
export const serverFolder = (dataDir: string, server: ServerName) => join(dataDir, server);

/** Gives the servers whose disks can be filled a file system of their own. Needs the right to mount. */
export function mountDisks(dataDir: string, closers: Closers): Partial<Record<ServerName, SmallDisk>> {
  const disks: Partial<Record<ServerName, SmallDisk>> = {};
  for (const server of ['postgres', 'nats'] as const) {
    const disk = mountSmallDisk(serverFolder(dataDir, server), DISKS[server]);
    disks[server] = disk;
    closers.push(async () => disk.unmount());
  }
  return disks;
}

export async function startServer(
  name: ServerName,
  { dataDir, processes, closers }: { dataDir: string; processes: StackProcesses; closers: Closers },
): Promise<LocalServer> {
  const options = { dataDir: serverFolder(dataDir, name), secretsDir: secretsDir(dataDir) };
  if (name === 'postgres') await placeCluster(options.dataDir);
  const first = await LAUNCHES[name](options);
  const onRestart = ({ pid }: LocalServer) => processes.started(name, pid);
  onRestart(first);
  const start = () => LAUNCHES[name]({ ...options, port: first.port });
  const kept = keepRunning({ first, start, onEnd: processes.ended(name), onRestart });
  closers.push(() => kept.stop());
  return first;
}
