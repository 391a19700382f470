/** Runs a piece of work at intervals: one run at a time, and none after `stop`. */
import type { Log } from '../telemetry/log.ts';
import { createRepeatedWarning } from '../telemetry/repeated-log.ts';

export interface LoopOptions {
  name: string;
  /** Rest between two runs. A function is called after each run. */
  everyMs: number | (() => number);
  /** An error is logged, and the next run is due as usual. */
  run: () => Promise<void>;
  log: Log;
}

export type Loop = ReturnType<typeof createLoop>;

/** Rest between two runs however often the loop is woken: it must not keep a core or a server busy. */
const REST_MS = 20;

export function createLoop({ name, everyMs, run, log }: LoopOptions) {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = true;
  let endedAtMs = -Infinity;
  const warn = createRepeatedWarning(log, 'a background task failed');

  async function turn(): Promise<void> {
    again = false;
    try {
      await run();
    } catch (error) {
      if (!stopped) warn({ err: error, task: name });
    }
  }

  function beat(): void {
    running = turn().then(() => {
      running = undefined;
      endedAtMs = performance.now();
      schedule(again ? REST_MS : typeof everyMs === 'number' ? everyMs : everyMs());
    });
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(beat, delayMs);
  }

  return {
    /** Resolves when the first run has ended, with or without success. */
    async start(): Promise<void> {
      stopped = false;
      beat();
      await running;
    },
    /** Runs now, or once more after the present run, but not before a short rest. */
    wake(): void {
      again = true;
      if (running === undefined) schedule(Math.max(0, endedAtMs + REST_MS - performance.now()));
    },
    /** Resolves when the present run has ended. */
    async stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
