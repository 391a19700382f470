/**
 * Crash-only: whatever ends without being told to is started again, soon at first, more patiently while it keeps ending. So
 * is a process that runs and has a fault which only a new start mends: it is ended first.
 */

import { pause } from '../host/pause.ts';
import { createFaultWatch, type Faultable } from './fault-watch.ts';

export interface Running extends Faultable {
  /** Resolves when the process has ended, with how. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export interface Kept {
  /** Ends it for good, also when it is just being started again. */
  stop(): Promise<void>;
}

/** Under the second that others are promised, start-up included. */
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5_000;
/** A process that lived this long died of something new. */
const STEADY_MS = 10_000;

export interface KeepRunningOptions<Process extends Running> {
  /** Already running. */
  first: Process;
  /** Starts it once more; a failure counts as an end. */
  start: () => Promise<Process>;
  onEnd: (how: string) => void;
  onRestart?: (process: Process) => void;
}

export function keepRunning<Process extends Running>(options: KeepRunningOptions<Process>): Kept {
  const { start, onEnd, onRestart } = options;
  const stopping = new AbortController();
  const endWhenFaulty = createFaultWatch();
  let current: Process | undefined = options.first;

  async function keep(): Promise<void> {
    let startedAtMs = performance.now();
    let delayMs = 0;
    for (;;) {
      let how = 'it ended';
      try {
        if (current === undefined) {
          startedAtMs = performance.now();
          current = await start();
          if (!stopping.signal.aborted) onRestart?.(current);
        }
        // A stop that came while it started again finds it only now.
        if (stopping.signal.aborted) return current.stop();
        const ended = new AbortController();
        const fault = endWhenFaulty(current, AbortSignal.any([ended.signal, stopping.signal]));
        how = String((await current.exited.finally(() => ended.abort())) ?? how);
        how = (await fault) ?? how;
      } catch (error) {
        how = error instanceof Error ? error.message : String(error);
      }
      current = undefined;
      if (stopping.signal.aborted) return;
      const lived = performance.now() - startedAtMs;
      delayMs = lived > STEADY_MS || delayMs === 0 ? FIRST_DELAY_MS : Math.min(delayMs * 2, MAX_DELAY_MS);
      onEnd(how);
      await pause(delayMs, stopping.signal);
      if (stopping.signal.aborted) return;
    }
  }

  const kept = keep();
  return {
    async stop() {
      stopping.abort();
      await current?.stop();
      await kept;
    },
  };
}
