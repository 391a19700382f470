/** Free ports on this machine. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range from which the system takes ports for outgoing connections (32768 and up). In that range another connection
 * could occupy the port of a process while it restarts, and a client that retries could even connect to itself.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const MAX_ATTEMPTS = 100;

export async function isPortFree(port: number, host?: string): Promise<boolean> {
  return (await whyNotFree(port, host)) === undefined;
}

/** Returns the system's error code, such as EADDRINUSE, or undefined if the port is free. */
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

/** Returns a port that is free now and not in `avoid`. */
export async function freePort(avoid: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (!avoid.includes(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`no free port found between ${FIRST_PORT} and ${LAST_PORT}`);
}
