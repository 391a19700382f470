/** What the private Postgres, Redis and NATS have in common: a child process that is ready when it answers, and stops when told. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { freePort } from '../host/ports.ts';

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
  /** A descriptor that the process inherits, by which it is found when its supervisor was killed. */
  mark?: number | undefined;
  /** Told in one line what the server lacked and was given again. */
  tell?: ((line: string) => void) | undefined;
}

/** Thrown by a probe: the server answers, and what it says will not change. The message follows "Redis did not start: ". */
export class WontStartError extends Error {
  override readonly name = 'WontStartError';
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
  mark?: number | undefined;
  url: (port: number) => string;
  stopSignal: NodeJS.Signals;
  /** Rejects, within seconds, until the server answers a real request. */
  probe: (port: number) => Promise<void>;
  /** What to add when it did not start: where its files are, and what to do. */
  explain?: () => string;
}

const START_LIMIT_MS = 20_000;
const PROBE_EVERY_MS = 25;
const STOP_LIMIT_MS = 10_000;
/** How much of a server's own words is kept for an error. */
const KEPT_CHARACTERS = 2_000;
const LONGEST_QUOTE = 300;
/** Another process may take a free port between our look and the server's start. */
const PORT_ATTEMPTS = 5;

class PortTakenError extends Error {}

export async function startChildServer(options: ChildServerOptions): Promise<LocalServer> {
  if (options.port !== undefined) return startOnPort(options, options.port);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnPort(options, await freePort(options.avoidPorts));
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnPort(options: ChildServerOptions, port: number): Promise<LocalServer> {
  // A process group of its own: a terminal's Ctrl-C reaches our supervisor alone, which ends things in order.
  const child = spawn(options.command, options.args(port), {
    stdio: ['ignore', 'pipe', 'pipe', options.mark ?? 'ignore'],
    detached: true,
    ...options.spawn,
  });
  let words = '';
  const listen = (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-KEPT_CHARACTERS);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  const ended = endOf(child, options.install);
  const stop = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(options.stopSignal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(force);
  };

  const failure = await failureToStart(options, port, ended);
  if (failure !== undefined) {
    await stop();
    const reasons = [failure, tellingLine(words), options.explain?.()].filter(Boolean);
    const isTaken = /address already in use|EADDRINUSE/i.test(words);
    throw new (isTaken ? PortTakenError : Error)(`${options.name} did not start: ${reasons.join('; ')}`);
  }
  return {
    url: options.url(port),
    port,
    pid: child.pid ?? 0,
    exited: ended,
    stop,
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

/** Resolves with how it ended, or why it could not begin. */
function endOf(child: ChildProcess, install: string): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? `it is not installed; install it with: ${install}` : error.message),
    );
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
}

/** Undefined when it answers. */
async function failureToStart(
  { probe }: ChildServerOptions,
  port: number,
  ended: Promise<string>,
): Promise<string | undefined> {
  const giveUpAt = performance.now() + START_LIMIT_MS;
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
  });
  for (;;) {
    // Another server on the same port may keep a probe waiting, so the end of ours ends it.
    const problem = await Promise.race([problemOf(probe(port)), ended]);
    if (problem === undefined) return undefined;
    if (problem instanceof WontStartError) return problem.message;
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    if (end !== undefined) return end;
    if (performance.now() > giveUpAt) {
      return `it did not answer within ${START_LIMIT_MS} ms (${String(problem)})`;
    }
  }
}

function problemOf(probing: Promise<void>): Promise<unknown> {
  return probing.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The line of a program's output that is most likely the reason of its end. */
export function tellingLine(words: string): string | undefined {
  const lines = words.split('\n').map((line) => line.trim());
  return (
    lines.findLast((line) => /FATAL|PANIC|\[ERR\]|\berror\b/i.test(line)) ?? lines.findLast(Boolean)
  )?.slice(0, LONGEST_QUOTE);
}
