/** A server of another owner, as a process that a test starts with settings of its own. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { waitFor } from '../wait-for.ts';

export interface OutsideServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Resolves when the program listens on the port. */
export async function startOutsideServer(
  program: string,
  args: readonly string[],
  port: number,
): Promise<OutsideServer> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await waitFor(() => takesConnections(port));
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function takesConnections(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}

/** Writes files into a folder, and returns their paths by name. */
export async function writeFiles<Name extends string>(
  dir: string,
  texts: Readonly<Record<Name, string | Buffer>>,
): Promise<Record<Name, string>> {
  await mkdir(dir, { recursive: true });
  const written = Object.entries<string | Buffer>(texts).map(async ([name, text]) => {
    await writeFile(join(dir, name), text);
    return [name, join(dir, name)] as const;
  });
  return Object.fromEntries(await Promise.all(written)) as Record<Name, string>;
}
