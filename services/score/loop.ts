/** A piece of work that is done again and again by one owner: never twice at a time, never after it was stopped. */
import type { Log } from '../shared/log.ts';

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
  /** Runs now, or once more right after the present run. */
  wake(): void;
  /** Resolves when the present run has ended. */
  stop(): Promise<void>;
}

export function createLoop({ name, everyMs, run, log }: LoopOptions): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = true;

  async function turn(): Promise<void> {
    again = false;
    try {
      await run();
    } catch (error) {
      if (!stopped) log.warn({ err: error, loop: name }, 'a turn of a loop failed');
    }
  }

  function beat(): void {
    clearTimeout(timer);
    if (stopped) return;
    running = turn().then(() => {
      running = undefined;
      if (!stopped) timer = setTimeout(beat, again ? 0 : everyMs);
    });
  }

  return {
    async start() {
      stopped = false;
      beat();
      await running;
    },
    wake() {
      again = true;
      if (running === undefined) beat();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
