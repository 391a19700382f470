/** What the private Postgres, Redis and NATS have in common: a child process that is ready when it answers, and stops when told. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { freePort } from './ports.ts';

/** A server of our own on 127.0.0.1. */
export interface LocalServer {
  /** Of its administrator. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended, with how; at once when it already has. */
  readonly exited: Promise<string>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** One that knows our services apart. */
export interface StoreServer<User extends string> extends LocalServer {
  /** The address by which a service comes, with its password. */
  urlAs(user: User): string;
}

export interface ServerOptions {
  dataDir: string;
  /** Where its users' passwords are kept; below its own data when left out. */
  secretsDir?: string | undefined;
  /** A free one when left out, */
  port?: number | undefined;
  /** and then none of these: somebody else is going to listen there. */
  avoidPorts?: readonly number[] | undefined;
}

export interface ChildServerOptions {
  /** For messages: "Redis". */
  name: string;
  command: string;
  /** The line that installs a missing command. */
  install: string;
  args: (port: number) => string[];
  spawn?: SpawnOptions;
  port?: number | undefined;
  avoidPorts?: readonly number[] | undefined;
  url: (port: number) => string;
  stopSignal: NodeJS.Signals;
  /** Rejects until the server answers a real request. */
  probe: (port: number) => Promise<void>;
}

const START_LIMIT_MS = 20_000;
const PROBE_EVERY_MS = 25;
const STOP_LIMIT_MS = 10_000;
/** How much of a server's own words an error quotes. */
const QUOTED_CHARACTERS = 2_000;
/** Another process may take a free port between our look and the server's start. */
const PORT_ATTEMPTS = 5;

export async function startChildServer(options: ChildServerOptions): Promise<LocalServer> {
  if (options.port !== undefined) return startOnPort(options, options.port);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnPort(options, await freePort(options.avoidPorts));
    } catch (error) {
      const taken = error instanceof Error && /address already in use|EADDRINUSE/i.test(error.message);
      if (!taken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnPort(options: ChildServerOptions, port: number): Promise<LocalServer> {
  // A process group of its own: a terminal's Ctrl-C reaches our supervisor alone, which ends things in order.
  const child = spawn(options.command, options.args(port), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...options.spawn,
  });
  let words = '';
  const listen = (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-QUOTED_CHARACTERS);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'ENOENT' ? `it is not installed; install it with: ${options.install}` : error.message,
      ),
    );
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });

  await waitUntilReady(options, port, child, ended, () => words);
  return {
    url: options.url(port),
    port,
    pid: child.pid ?? 0,
    exited: ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(options.stopSignal);
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(force);
    },
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

async function waitUntilReady(
  { name, probe }: ChildServerOptions,
  port: number,
  child: ChildProcess,
  ended: Promise<string>,
  words: () => string,
): Promise<void> {
  const giveUpAt = performance.now() + START_LIMIT_MS;
  let reason: string | undefined;
  void ended.then((why) => {
    reason = why;
  });
  for (;;) {
    try {
      await probe(port);
      return;
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
      if (reason === undefined && performance.now() > giveUpAt) {
        reason = `it did not answer within ${START_LIMIT_MS} ms (${String(error)})`;
        child.kill('SIGKILL');
      }
      if (reason !== undefined) throw new Error(`${name} did not start: ${reason}\n${words()}`);
    }
  }
}
