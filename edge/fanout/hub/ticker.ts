/**
 * Spaces out the work of a node in ticks. The first request after a quiet time runs at once; later ones wait until the tick is
 * over. A tick that costs more than its width widens the interval: a node under load then does fewer, larger ticks. If the tick
 * had to share its processor, other processes wait for it too, and the interval widens in the same proportion.
 */
import { MAX_TICK_MS } from './limits.ts';

export interface TickerOptions {
  /** Shortest interval between two ticks. */
  widthMs: number;
  run: () => void;
  /** Called after each tick with its cost and the interval that follows from it. */
  onSettled: (costMs: number, widthMs: number) => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
  /** CPU time that this process has used, in ms. */
  cpuMs: () => number;
}

/** However little of the processor a tick got: its interval is at most so many times its cost. */
const MAX_WIDENING = 4;

export class Ticker {
  readonly #options: TickerOptions;
  #nextAtMs = 0;
  /** Cancels the scheduled tick. */
  #cancel: (() => void) | undefined = undefined;
  #settling = false;
  #wanted = false;
  #stopped = false;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** Requests one more run. */
  schedule(): void {
    this.#wanted = true;
    // The interval is not known before the cost of the last tick is.
    if (this.#cancel !== undefined || this.#settling || this.#stopped) return;
    const delayMs = this.#nextAtMs - this.#options.monotonicMs();
    if (delayMs <= 0) {
      const immediate = setImmediate(() => this.#tick());
      this.#cancel = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(() => this.#tick(), delayMs);
      this.#cancel = () => clearTimeout(timer);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #tick(): void {
    const { run, monotonicMs, cpuMs } = this.#options;
    const [startedMs, startedCpuMs] = [monotonicMs(), cpuMs()];
    this.#cancel = undefined;
    this.#wanted = false;
    this.#settling = true;
    run();
    // uWebSockets.js writes to the sockets after this turn of the event loop, so the cost is known one turn later.
    setImmediate(() => this.#settle(startedMs, startedCpuMs));
  }

  #settle(startedMs: number, startedCpuMs: number): void {
    const { widthMs, onSettled, monotonicMs, cpuMs } = this.#options;
    this.#settling = false;
    const costMs = monotonicMs() - startedMs;
    // Other threads of the process use the processor as well, so that it may have had more than the tick took.
    const usedCpuMs = Math.min(costMs, cpuMs() - startedCpuMs);
    const neededMs = usedCpuMs > 0 ? costMs * Math.min(MAX_WIDENING, costMs / usedCpuMs) : costMs;
    const usedMs = Math.min(Math.max(widthMs, neededMs), MAX_TICK_MS);
    this.#nextAtMs = startedMs + usedMs;
    onSettled(costMs, usedMs);
    if (this.#wanted) this.schedule();
  }
}
