/**
 * Until when a caller waits. A limit is a length of time, in a name that ends in `Ms`. A deadline is a point in time on the
 * monotonic clock, so that it can be passed from step to step and all of them end at the same time.
 *
 *     const deadline = callersDeadline.within(READ_LIMIT_MS);
 *     const rows = await deadline.race(store.read());          // or DEADLINE_EXCEEDED
 *     const response = await fetch(url, { signal: deadline.signal() });
 */
import { AppError } from '../errors/app-error.ts';

/** Longest delay of a timer; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Deadline {
  static readonly never = new Deadline(Number.POSITIVE_INFINITY);

  /** On the monotonic clock, as `performance.now()` tells it. */
  readonly atMs: number;
  #signal: AbortSignal | undefined;

  private constructor(atMs: number) {
    this.atMs = atMs;
  }

  static after(limitMs: number): Deadline {
    return new Deadline(performance.now() + limitMs);
  }

  /** Milliseconds left; 0 once it has passed, Infinity when there is no limit. */
  remainingMs(): number {
    return Math.max(0, this.atMs - performance.now());
  }

  hasPassed(): boolean {
    return performance.now() >= this.atMs;
  }

  /** This deadline, or the one after `limitMs` when that is earlier. */
  within(limitMs: number): Deadline {
    const atMs = performance.now() + limitMs;
    return atMs < this.atMs ? new Deadline(atMs) : this;
  }

  /** This much before the deadline, for a step that must leave time for another. */
  before(reserveMs: number): Deadline {
    return new Deadline(this.atMs - reserveMs);
  }

  /** A timer counts whole milliseconds, and must not fire before the deadline. */
  #timerMs(): number {
    return Math.min(Math.ceil(this.remainingMs()), TIMER_MAX_MS);
  }

  /** Aborts with a TimeoutError when the deadline passes. Its timer does not keep the process alive. */
  signal(): AbortSignal {
    this.#signal ??=
      this.atMs === Number.POSITIVE_INFINITY
        ? new AbortController().signal
        : AbortSignal.timeout(this.#timerMs());
    return this.#signal;
  }

  /**
   * Settles with the work or, if the deadline passes first, with what `onPassed` returns or throws: DEADLINE_EXCEEDED by default.
   * The work itself continues. Pass it the `signal` to end it too.
   */
  race<Value>(work: Value | PromiseLike<Value>, onPassed: () => Value = refuse): Promise<Value> {
    if (this.atMs === Number.POSITIVE_INFINITY) return Promise.resolve(work);
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        try {
          resolve(onPassed());
        } catch (error) {
          reject(error);
        }
      };
      const timer = setTimeout(giveUp, this.#timerMs());
      Promise.resolve(work)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }
}

function refuse(): never {
  throw new AppError('DEADLINE_EXCEEDED');
}
