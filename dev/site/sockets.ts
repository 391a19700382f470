/**
 * The Unix sockets by which the processes of a stack call each other, Redis and Postgres. A message costs about an eighth less
 * than over TCP. All of them listen at their ports as well.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureClosedFolder } from '../../services/shared/files/replace-file.ts';
import { isSocketPath } from '../../services/shared/net/unix-socket.ts';
import { socketPath } from '../../services/shared/stores/postgres/address/open-socket.ts';
import type { LocalConfig } from './local-config.ts';

/** Processes that others call. */
const LISTENERS = ['auth', 'score', 'rank', 'redis'] as const;

/** The highest port has the longest name. */
const MAX_PORT = 65_535;

/** For Postgres the folder of the socket: that of its cluster, which belongs to the user that runs Postgres. */
export type SocketPaths = Readonly<Partial<Record<(typeof LISTENERS)[number] | 'postgres', string>>>;

/** The path for each listener; empty in production mode, and where the data folder takes no sockets or its path is too long. */
export async function openSockets({ mode, dataDir }: LocalConfig): Promise<SocketPaths> {
  const folder = join(dataDir, 'sockets');
  const paths = LISTENERS.map((name) => [name, join(folder, `${name}.sock`)] as const);
  const postgres = join(dataDir, 'postgres', 'cluster');
  const longest = socketPath({ host: postgres, port: MAX_PORT });
  if (mode === 'production' || ![longest, ...paths.map(([, path]) => path)].every(isSocketPath)) return {};
  ensureClosedFolder(folder);
  return (await takesSockets(folder)) ? { ...Object.fromEntries(paths), postgres } : {};
}

/** Some file systems, such as those shared with a virtual machine, have no sockets. */
async function takesSockets(folder: string): Promise<boolean> {
  const path = join(folder, 'try');
  rmSync(path, { force: true });
  const server = createServer().listen(path);
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
