/**
 * Crash-only: a process that ends without being stopped is started again, at first soon, then at growing intervals while it keeps
 * ending. A process that runs but has a fault which only a restart repairs is killed and started again.
 */
import { pause } from '../host/pause.ts';
import { createFaultWatch, type Faultable } from './fault-watch.ts';

export interface Running extends Faultable {
  /** Resolves when the process has ended, with a description of its end. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** Together with the start-up of a process under the second that the other services are promised. */
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5_000;
/** After this time an end is unrelated to the previous one. */
const STEADY_MS = 10_000;

export interface KeepRunningOptions<Process extends Running> {
  /** Already running. */
  first: Process;
  /** Starts the process again. A rejection counts as an end. The signal aborts when the process is no longer needed. */
  start: (signal: AbortSignal) => Promise<Process>;
  onEnd: (how: string) => void;
  onRestart?: (process: Process) => void;
}

export type Kept = ReturnType<typeof keepRunning>;

export function keepRunning<Process extends Running>({
  first,
  start,
  onEnd,
  onRestart,
}: KeepRunningOptions<Process>) {
  const stopping = new AbortController();
  const endWhenFaulty = createFaultWatch();
  let current: Process | undefined = first;
  let restarting = new AbortController();

  async function startAgain(): Promise<Process> {
    const started = await start(stopping.signal);
    if (!stopping.signal.aborted) onRestart?.(started);
    return started;
  }

  /** Resolves with a description of the end. */
  async function runToEnd(process: Process): Promise<string> {
    const ended = new AbortController();
    const fault = endWhenFaulty(process, AbortSignal.any([ended.signal, stopping.signal]));
    const how = await process.exited.finally(() => ended.abort());
    return (await fault) ?? String(how ?? 'it ended');
  }

  async function startAndRun(): Promise<string> {
    current ??= await startAgain();
    // A stop or a restart came while it was starting.
    if (stopping.signal.aborted || restarting.signal.aborted) await current.stop();
    return runToEnd(current);
  }

  async function keep(): Promise<void> {
    let delayMs = 0;
    let startedAtMs = performance.now();
    for (;;) {
      const how = await startAndRun().catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      );
      current = undefined;
      if (stopping.signal.aborted) return;
      const livedMs = performance.now() - startedAtMs;
      delayMs = livedMs > STEADY_MS || delayMs === 0 ? FIRST_DELAY_MS : Math.min(delayMs * 2, MAX_DELAY_MS);
      onEnd(restarting.signal.aborted ? String(restarting.signal.reason) : how);
      await pause(delayMs, AbortSignal.any([stopping.signal, restarting.signal]));
      if (stopping.signal.aborted) return;
      if (restarting.signal.aborted) {
        restarting = new AbortController();
        delayMs = 0;
      }
      startedAtMs = performance.now();
    }
  }

  const kept = keep();
  return {
    /** Stops the process for good, also while it is starting again. */
    async stop(): Promise<void> {
      stopping.abort();
      await current?.stop();
      await kept;
    },
    /** Lets the process drain and starts it again without a delay. `why` is passed to `onEnd`. */
    restart(why: string): void {
      restarting.abort(why);
      void current?.stop();
    },
  };
}
