/** Ports on this machine: which are free, and one that stays ours while its process is away. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range that systems hand to outgoing connections (32768 up). From inside it, a stranger's connection could
 * sit on the port of a process that restarts, and a client's retry could even connect to itself.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const LOOKS = 100;

export async function isPortFree(port: number, host?: string): Promise<boolean> {
  return (await whyNotFree(port, host)) === undefined;
}

/** The system's code for what is in the way, as EADDRINUSE; undefined when the port is free. */
export async function whyNotFree(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    server.close();
  }
}

/** One that is free now, and none of those that somebody is going to take. */
export async function freePort(avoid: readonly number[] = []): Promise<number> {
  for (let look = 0; look < LOOKS; look += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (!avoid.includes(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`no free port found between ${FIRST_PORT} and ${LAST_PORT}`);
}
