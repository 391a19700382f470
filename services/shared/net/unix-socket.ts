/** Unix sockets as addresses of servers on the same machine. */
import { once } from 'node:events';
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { type Environment, optionalText } from '../settings/env.ts';

/** The longest path that both Linux and macOS take, in bytes. */
const MAX_PATH_BYTES = 103;

/** In gRPC's form. */
export const unixAddress = (path: string): string => `unix:${path}`;
export const isUnixAddress = (address: string): boolean => address.startsWith('unix:');

/** A comma separates the addresses of a service. */
export function isSocketPath(path: string): boolean {
  return path.startsWith('/') && !path.includes(',') && Buffer.byteLength(path) <= MAX_PATH_BYTES;
}

/** The path of the socket at which a service listens beside its port; undefined if there is none. */
export function parseSocket(env: Environment): string | undefined {
  const path = optionalText(env, 'INTERNAL_SOCKET');
  if (path === undefined || isSocketPath(path)) return path;
  throw new Error(
    `INTERNAL_SOCKET must be an absolute path of at most ${MAX_PATH_BYTES} bytes, without a comma, not "${path}"`,
  );
}

/** Removes the socket that a killed process left behind. Throws when a process listens there. */
export async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ECONNREFUSED' || !lstatSync(path).isSocket()) throw error;
    unlinkSync(path);
    return;
  } finally {
    socket.destroy();
  }
  throw new Error(`another process listens at ${path}`);
}
