/**
 * Calls between the bench and its child processes. Everything that makes or takes load is a process of its own, so that
 * its CPU time can be told apart; the main process only gives orders and waits.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a kind of child can be asked for: by name, the input and the answer. */
export type Calls = Record<string, (input: never) => unknown>;

export type Handlers<C extends Calls> = {
  [Name in keyof C]: (input: Parameters<C[Name]>[0]) => Promise<ReturnType<C[Name]>>;
};

interface Order {
  id: number;
  name: string;
  input: unknown;
}

type Word = { id: number; result: unknown } | { id: number; error: string } | { event: unknown };

export interface Child<C extends Calls> {
  readonly pid: number;
  call<Name extends keyof C & string>(
    name: Name,
    input: Parameters<C[Name]>[0],
  ): Promise<Awaited<ReturnType<C[Name]>>>;
  /** Hears what the child says without being asked. */
  onEvent(listener: (event: unknown) => void): void;
  stop(): Promise<void>;
}

const STOP_LIMIT_MS = 5_000;

export function startChild<C extends Calls>(entry: URL, nodeOptions: readonly string[] = []): Child<C> {
  const child = fork(fileURLToPath(entry), {
    serialization: 'advanced',
    execArgv: [...nodeOptions],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const listeners: ((event: unknown) => void)[] = [];
  let lastId = 0;
  child.on('message', (word: Word) => {
    if ('event' in word) {
      for (const listener of listeners) listener(word.event);
      return;
    }
    const caller = waiting.get(word.id);
    waiting.delete(word.id);
    if ('error' in word) caller?.reject(new Error(word.error));
    else caller?.resolve(word.result);
  });
  const ended = endOf(child);
  void ended.then((how) => {
    for (const { reject } of waiting.values()) reject(new Error(`a child of the bench ended: ${how}`));
  });
  return {
    pid: child.pid ?? 0,
    call: (name, input) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id: lastId, name, input });
      }),
    onEvent: (listener) => void listeners.push(listener),
    async stop() {
      if (child.connected) child.disconnect();
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** The child's side: answers calls until the bench goes away, then ends the process. */
export function answerCalls<C extends Calls>(handlers: Handlers<C>): void {
  process.on('message', (order: Order) => {
    const handler = handlers[order.name];
    if (handler === undefined) return say({ id: order.id, error: `no such call: ${order.name}` });
    handler(order.input as never).then(
      (result) => say({ id: order.id, result }),
      (error: unknown) => {
        const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
        say({ id: order.id, error: words });
      },
    );
  });
  process.once('disconnect', () => process.exit(0));
  // The terminal's Ctrl-C reaches the whole group; the bench ends its children in order.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
}

/** From the child, unasked. */
export function sayEvent(event: unknown): void {
  say({ event });
}

/** If the bench has gone, the channel is broken and nothing is left to do. Without a callback Node would throw the EPIPE. */
function say(word: Word): void {
  process.send?.(word, undefined, undefined, (error) => {
    if (error !== null) process.exit(0);
  });
}
