/** Starts a private Postgres, Redis or NATS as a child process. The server is ready when it answers a real request. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { freePort } from '../host/ports.ts';

/** A private server on 127.0.0.1. */
export interface LocalServer {
  /** The address with the user and password of its administrator. */
  readonly url: string;
  /** The same by its Unix socket, if services shall use that and its other addresses don't name it. */
  readonly socketUrl?: string | undefined;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended, with a description of its end. */
  readonly exited: Promise<string>;
  /** Shuts it down cleanly. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** A server with a user for each of our services. */
export interface StoreServer<User extends string> extends LocalServer {
  /** Returns the address with the user and password of a service. */
  urlAs(user: User): string;
}

export interface ServerOptions {
  dataDir: string;
  /** The folder of its users' passwords; by default below its data. */
  secretsDir?: string | undefined;
  /** The namespace of the names that its users may use. */
  namespace?: string | undefined;
  /** By default a free port. */
  port?: number | undefined;
  /** Where it listens beside its port: the path of a Unix socket for Redis, the folder of one for Postgres. */
  socket?: string | undefined;
  /** Ports that are not chosen by default, since other processes will listen there. */
  avoidPorts?: readonly number[] | undefined;
  /** A descriptor that the process inherits, by which a later start finds the process if the supervisor is killed. */
  mark?: number | undefined;
  /** Gets one line for each thing that the server had lost and that was restored, and one for a long recovery. */
  tell?: ((line: string) => void) | undefined;
  /** Aborts when the start is stopped. */
  signal?: AbortSignal | undefined;
}

/** Thrown by a probe if the server answers with an error that will not go away. The message follows "Redis did not start: ". */
export class WontStartError extends Error {
  override readonly name = 'WontStartError';
}

/** Thrown by a probe if the server answers that it is recovering its data. A recovery that is cut off starts again from its beginning. */
export class StillRecoveringError extends Error {
  override readonly name = 'StillRecoveringError';
}

export interface ChildServerOptions {
  /** The name for messages, such as "Redis". */
  name: string;
  command: string;
  /** The shell command that installs it. */
  install: string;
  args: (port: number) => string[];
  spawn?: SpawnOptions;
  port?: number | undefined;
  avoidPorts?: readonly number[] | undefined;
  mark?: number | undefined;
  url: (port: number) => string;
  stopSignal: NodeJS.Signals;
  /** Resolves when the server answers a real request, and rejects within seconds if it does not. */
  probe: (port: number) => Promise<void>;
  /** Adds to the error of a failed start where the files are and what to do. */
  explain?: () => string;
  tell?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  limits?: StartLimits;
}

export interface StartLimits {
  /** How long a server may stay silent. */
  readonly silentMs: number;
  /** How long a server may recover its data. */
  readonly recoveringMs: number;
}

/** A recovery reads up to 2 GB of WAL, from a disk that may be slow. */
const START_LIMITS: StartLimits = { silentMs: 20_000, recoveringMs: 60 * 60_000 };
/** A start after a clean stop takes less. */
const TELL_OF_RECOVERY_AFTER_MS = 5_000;
const PROBE_EVERY_MS = 25;
const STOP_LIMIT_MS = 10_000;
/** The end of the server's output that is kept for an error. */
const KEPT_CHARACTERS = 2_000;
const LONGEST_QUOTE = 300;
/** Another process may take a free port between the check and the server's start. */
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
  // Its own process group: Ctrl-C in the terminal reaches only the supervisor, which stops processes in order.
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

/** Resolves with a description of the end, or of why the process could not be started. */
function endOf(child: ChildProcess, install: string): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? `it is not installed; install it with: ${install}` : error.message),
    );
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
}

/** Resolves with undefined once the server answers, otherwise with the reason why it did not start. */
async function failureToStart(
  { probe, tell, signal, limits = START_LIMITS }: ChildServerOptions,
  port: number,
  ended: Promise<string>,
): Promise<string | undefined> {
  const startedAt = performance.now();
  const stopped = whenAborted(signal);
  let answeredAt = startedAt;
  let told = false;
  let end: string | undefined;
  void Promise.race([ended, stopped]).then((how) => {
    end = how;
  });
  for (;;) {
    // Another server on the same port may keep the probe waiting, so the end of our process ends the probe.
    const problem = await Promise.race([problemOf(probe(port)), ended, stopped]);
    if (problem === undefined) return undefined;
    if (problem instanceof WontStartError) return problem.message;
    if (problem instanceof StillRecoveringError) answeredAt = performance.now();
    if (!told && answeredAt - startedAt > TELL_OF_RECOVERY_AFTER_MS) {
      told = true;
      tell?.('it is recovering its data, which can take minutes');
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    if (end !== undefined) return end;
    if (performance.now() - answeredAt > limits.silentMs) {
      return `it did not answer within ${limits.silentMs} ms (${String(problem)})`;
    }
    if (performance.now() - startedAt > limits.recoveringMs) return 'it does not end its recovery';
  }
}

function whenAborted(signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve) => {
    const stop = () => resolve('it was stopped');
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
  });
}

function problemOf(probing: Promise<void>): Promise<unknown> {
  return probing.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Returns the line of a program's output that most likely gives the reason for its end. */
export function tellingLine(words: string): string | undefined {
  const lines = words.split('\n').map((line) => line.trim());
  return (
    lines.findLast((line) => /FATAL|PANIC|\[ERR\]|\berror\b/i.test(line)) ?? lines.findLast(Boolean)
  )?.slice(0, LONGEST_QUOTE);
}
