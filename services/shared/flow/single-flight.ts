/**
 * One run of the same work at a time, shared by all callers, with its success or failure. `join` returns the outcome of the run
 * under way. `fresh` returns that of the next run, for callers to whom a run that began before their call would be too old.
 */
export type SingleFlight<Value> = ReturnType<typeof createSingleFlight<Value>>;

export function createSingleFlight<Value>(work: () => Promise<Value>) {
  let running: Promise<Value> | undefined;
  let next: Promise<Value> | undefined;

  function run(): Promise<Value> {
    next = undefined;
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function runNext(): Promise<Value> {
    if (running !== undefined) await running.catch(handledByItsCallers);
    // One turn of the event loop gathers all callers that arrived in the same read.
    else await new Promise((resolve) => setImmediate(resolve));
    return run();
  }

  return {
    get isRunning(): boolean {
      return running !== undefined;
    },
    join: (): Promise<Value> => running ?? next ?? run(),
    fresh(): Promise<Value> {
      next ??= runNext();
      return next;
    },
  };
}

function handledByItsCallers(): void {}
