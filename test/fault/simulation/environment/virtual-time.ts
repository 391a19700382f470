/**
 * Time that passes only when everybody waits for it. While a run lasts, the clocks, timers and chance of the language are
 * replaced by seeded ones, so production code runs in it unchanged, an hour takes a moment, and a seed always gives the
 * same run. Between two events every promise that can settle does.
 */
import type { Random } from '../../../support/random.ts';

export interface VirtualTime {
  nowMs(): number;
  /** Runs the work at a moment that never comes before now. */
  at(ms: number, work: () => void): void;
  /** Gives back what cancels it. */
  after(delayMs: number, work: () => void): () => void;
  sleep(ms: number): Promise<void>;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly work: () => void;
  cancelled: boolean;
}

/** Where the clocks begin; any moment would do. */
const START_UNIX_MS = Date.UTC(2026, 0, 1);

/** A tick comes when no promise has anything left to do; unlike an immediate it costs no turn of the event loop. */
const drainPromises = () => new Promise<void>((resolve) => process.nextTick(resolve));
const turnOfEventLoop = (
  (immediate) => () =>
    new Promise<void>((resolve) => immediate(resolve))
)(setImmediate);

/** Ends when the work does; what is still waiting then never happens. */
export async function inVirtualTime<Result>(
  random: Random,
  work: (time: VirtualTime) => Promise<Result>,
): Promise<Result> {
  const queue = createQueue();
  let nowMs = 0;
  const add = (atMs: number, run: () => void): Event => queue.push(Math.max(atMs, nowMs), run);
  const time: VirtualTime = {
    nowMs: () => nowMs,
    at: (ms, run) => void add(ms, run),
    after(delayMs, run) {
      const event = add(nowMs + delayMs, run);
      return () => {
        event.cancelled = true;
      };
    },
    sleep: (ms) => new Promise((resolve) => void add(nowMs + ms, resolve)),
  };
  const restore = replaceGlobals(time, add, random);
  try {
    let outcome: { result: Result } | { error: unknown } | undefined;
    work(time).then(
      (result) => {
        outcome = { result };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    for (;;) {
      await drainPromises();
      if (outcome !== undefined) break;
      const event = queue.next();
      if (event === undefined) throw new Error('everybody waits and nothing will ever happen');
      nowMs = event.atMs;
      event.work();
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  } finally {
    restore();
    // Lets the event loop of the process turn once, which reports rejections that were not handled.
    await turnOfEventLoop();
  }
}

function replaceGlobals(time: VirtualTime, add: (atMs: number, run: () => void) => Event, random: Random) {
  const cancel = (event: Event | undefined) => {
    if (event !== undefined) event.cancelled = true;
  };
  const later = (run: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) =>
    add(time.nowMs() + Math.max(1, delayMs), () => run(...args));
  const every = (run: () => void, everyMs: number) => {
    const handle = { cancelled: false };
    const beat = () => {
      if (handle.cancelled) return;
      run();
      add(time.nowMs() + Math.max(1, everyMs), beat);
    };
    add(time.nowMs() + Math.max(1, everyMs), beat);
    return handle;
  };
  const replaced: [object, string, unknown][] = [
    [globalThis, 'setTimeout', later],
    [globalThis, 'clearTimeout', cancel],
    [globalThis, 'setInterval', every],
    [globalThis, 'clearInterval', cancel],
    [globalThis, 'setImmediate', (run: () => void) => add(time.nowMs(), run)],
    [globalThis, 'clearImmediate', cancel],
    [performance, 'now', () => time.nowMs()],
    [Date, 'now', () => START_UNIX_MS + Math.floor(time.nowMs())],
    [Math, 'random', () => random.next()],
  ];
  const restores = replaced.map(([owner, name, value]) => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { configurable: true, writable: true, value });
    return () => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    };
  });
  return () => {
    for (const restore of restores) restore();
  };
}

/** A binary heap by time; what is due at the same moment happens in the order in which it was asked for. */
function createQueue() {
  const heap: Event[] = [];
  let order = 0;
  const isBefore = (a: Event, b: Event) => (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs);

  function sink(moved: Event): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      const smaller = right !== undefined && isBefore(right, left) ? right : left;
      if (smaller === right) child += 1;
      if (!isBefore(smaller, moved)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = moved;
  }

  return {
    push(atMs: number, work: () => void): Event {
      const event = { atMs, order: order++, work, cancelled: false };
      let at = heap.length;
      heap.push(event);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = heap[parent];
        if (above === undefined || !isBefore(event, above)) break;
        heap[at] = above;
        at = parent;
      }
      heap[at] = event;
      return event;
    },
    /** The next that was not cancelled meanwhile. */
    next(): Event | undefined {
      for (;;) {
        const [first] = heap;
        const last = heap.pop();
        if (first !== undefined && last !== undefined && heap.length > 0) sink(last);
        if (!first?.cancelled) return first;
      }
    },
  };
}
