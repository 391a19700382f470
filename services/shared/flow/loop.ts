/** A piece of work that is done again and again by one owner: never twice at a time, never after it was stopped. */
import type { Log } from '../telemetry/log.ts';
import { createRepeatedWarning } from '../telemetry/repeated-log.ts';

export interface LoopOptions {
  name: string;
  everyMs: number;
  /** An error is logged and the work tried again at the next beat. */
  run: () => Promise<void>;
  log: Log;
}

export interface Loop {
  /** Resolves when the first run has ended, however it did. */
  start(): Promise<void>;
  /** Runs now, or once more after the present run; either way not before a short rest. */
  wake(): void;
  /** Resolves when the present run has ended. */
  stop(): Promise<void>;
}

/** However often a loop is woken, it rests so long between two runs: it must not keep a core and a server busy. */
const REST_MS = 20;

export function createLoop({ name, everyMs, run, log }: LoopOptions): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = true;
  let endedAtMs = -Infinity;
  const warn = createRepeatedWarning(log, 'a turn of a loop failed');

  async function turn(): Promise<void> {
    again = false;
    try {
      await run();
    } catch (error) {
      if (!stopped) warn({ err: error, loop: name });
    }
  }

  function beat(): void {
    running = turn().then(() => {
      running = undefined;
      endedAtMs = performance.now();
      schedule(again ? REST_MS : everyMs);
    });
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(beat, delayMs);
  }

  return {
    async start() {
      stopped = false;
      beat();
      await running;
    },
    wake() {
      again = true;
      if (running === undefined) schedule(Math.max(0, endedAtMs + REST_MS - performance.now()));
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
