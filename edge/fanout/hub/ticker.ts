/**
 * Spaces out the work of a tick. The first call after a quiet time runs at once; what follows waits until the tick is
 * over. A tick that takes longer than its width widens the next: a node under load then does fewer, larger ticks.
 */
import { MAX_TICK_MS } from '../limits.ts';

export interface TickerOptions {
  /** Shortest time between two ticks. */
  widthMs: number;
  run: () => void;
  /** Told what the tick took, and how wide it therefore was. */
  onSettled: (costMs: number, widthMs: number) => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export interface Ticker {
  /** Asks for one more run. */
  schedule(): void;
  stop(): void;
}

export function createTicker({ widthMs, run, onSettled, monotonicMs }: TickerOptions): Ticker {
  let nextAtMs = 0;
  let cancel: (() => void) | undefined;
  let settling = false;
  let wanted = false;
  let stopped = false;

  function schedule(): void {
    wanted = true;
    // While a tick settles, its cost is not known yet.
    if (cancel !== undefined || settling || stopped) return;
    const waitMs = nextAtMs - monotonicMs();
    if (waitMs <= 0) {
      const immediate = setImmediate(tick);
      cancel = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(tick, waitMs);
      cancel = () => clearTimeout(timer);
    }
  }

  function tick(): void {
    const startedMs = monotonicMs();
    cancel = undefined;
    wanted = false;
    settling = true;
    run();
    // uWebSockets.js writes to the sockets after our turn: one turn later the cost is known.
    setImmediate(() => settle(startedMs));
  }

  function settle(startedMs: number): void {
    settling = false;
    const costMs = monotonicMs() - startedMs;
    const usedMs = Math.min(Math.max(widthMs, costMs), MAX_TICK_MS);
    nextAtMs = startedMs + usedMs;
    onSettled(costMs, usedMs);
    if (wanted) schedule();
  }

  return {
    schedule,
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
