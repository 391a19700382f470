import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_TICK_MS } from '../../../../../edge/fanout/hub/limits.ts';
import { Ticker } from '../../../../../edge/fanout/hub/ticker.ts';

const WIDTH_MS = 50;
/** The clock of the ticker. Timers have a clock of their own, so a tick costs what the test adds here. */
let nowMs: number;
let costMs: number;
/** Part of the processor that a run gets. */
let share: number;
let usedCpuMs: number;
/** The times of the runs. */
let runs: number[];
let settled: [costMs: number, widthMs: number][];
let ticker: Ticker;

beforeEach(() => {
  vi.useFakeTimers();
  [nowMs, costMs] = [1_000, 0];
  [share, usedCpuMs] = [1, 0];
  [runs, settled] = [[], []];
  ticker = new Ticker({
    widthMs: WIDTH_MS,
    run() {
      runs.push(nowMs);
      nowMs += costMs;
      usedCpuMs += costMs * share;
    },
    onSettled: (...of) => settled.push(of),
    monotonicMs: () => nowMs,
    cpuMs: () => usedCpuMs,
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Runs what is due now, and then the immediates of that, which the fake timers put a millisecond later. */
function turn(): void {
  vi.advanceTimersByTime(0);
  vi.advanceTimersByTime(1);
}

function pass(ms: number): void {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
}

test('nothing runs unless it is requested', () => {
  pass(10 * WIDTH_MS);
  expect(runs).toEqual([]);
});

describe('after a quiet time', () => {
  test('a request runs at once, but not in the same turn', () => {
    const timeouts = vi.spyOn(globalThis, 'setTimeout');
    ticker.schedule();
    expect(runs).toEqual([]);
    turn();
    expect(runs).toEqual([1_000]);
    // A timer would wait for a millisecond at least.
    expect(timeouts).not.toHaveBeenCalled();
  });

  test('several requests of one turn run once', () => {
    for (let count = 0; count < 3; count += 1) ticker.schedule();
    turn();
    pass(10 * WIDTH_MS);
    expect(runs).toEqual([1_000]);
  });

  test('a request at the very end of a tick runs at once', () => {
    ticker.schedule();
    turn();
    pass(WIDTH_MS);
    const timeouts = vi.spyOn(globalThis, 'setTimeout');
    ticker.schedule();
    turn();
    expect(runs).toEqual([1_000, 1_050]);
    expect(timeouts).not.toHaveBeenCalled();
  });
});

describe('within a tick', () => {
  beforeEach(() => {
    ticker.schedule();
    turn();
  });

  test('a request waits for the end of the tick', () => {
    pass(20);
    ticker.schedule();
    pass(29);
    expect(runs).toEqual([1_000]);
    pass(1);
    expect(runs).toEqual([1_000, 1_050]);
  });

  test('several requests wait together', () => {
    for (let count = 0; count < 3; count += 1) ticker.schedule();
    pass(WIDTH_MS);
    pass(10 * WIDTH_MS);
    expect(runs).toEqual([1_000, 1_050]);
  });

  test('a request is not repeated after it ran', () => {
    ticker.schedule();
    pass(WIDTH_MS);
    turn();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a request while a tick runs or settles is not lost, and waits for the end of the tick', () => {
  let again = true;
  const busy = new Ticker({
    widthMs: WIDTH_MS,
    run() {
      runs.push(nowMs);
      if (again) busy.schedule();
      again = false;
    },
    onSettled: () => {},
    monotonicMs: () => nowMs,
    cpuMs: () => usedCpuMs,
  });
  busy.schedule();
  turn();
  expect(runs).toEqual([1_000]);
  pass(WIDTH_MS - 1);
  expect(runs).toEqual([1_000]);
  pass(1);
  expect(runs).toEqual([1_000, 1_050]);
});

describe('the interval', () => {
  test('is the width while a tick costs less, and the cost is reported', () => {
    costMs = 20;
    ticker.schedule();
    turn();
    expect(settled).toEqual([[20, WIDTH_MS]]);
    ticker.schedule();
    pass(WIDTH_MS - costMs);
    expect(runs).toEqual([1_000, 1_050]);
  });

  test('grows beyond the cost of a tick that had to share its processor', () => {
    [costMs, share] = [80, 0.5];
    ticker.schedule();
    turn();
    expect(settled).toEqual([[80, 160]]);
  });

  test('is the width when a cheap tick had to share its processor', () => {
    [costMs, share] = [20, 0.5];
    ticker.schedule();
    turn();
    expect(settled).toEqual([[20, WIDTH_MS]]);
  });

  test('is four times the cost at most', () => {
    [costMs, share] = [80, 0.01];
    ticker.schedule();
    turn();
    expect(settled).toEqual([[80, 320]]);
  });

  test('takes no account of other threads of the process', () => {
    [costMs, share] = [80, 3];
    ticker.schedule();
    turn();
    expect(settled).toEqual([[80, 80]]);
  });

  test('grows with the cost of a tick', () => {
    costMs = 80;
    ticker.schedule();
    turn();
    expect(settled).toEqual([[80, 80]]);
    ticker.schedule();
    turn();
    expect(runs).toEqual([1_000, 1_080]);
  });

  test('counts what happens in the turn after the run, when sockets are written', () => {
    ticker.schedule();
    vi.advanceTimersToNextTimer();
    expect(runs).toEqual([1_000]);
    nowMs += 70;
    vi.advanceTimersToNextTimer();
    expect(settled).toEqual([[70, 70]]);
  });

  test('never exceeds its maximum', () => {
    costMs = 3 * MAX_TICK_MS;
    ticker.schedule();
    turn();
    expect(settled).toEqual([[3 * MAX_TICK_MS, MAX_TICK_MS]]);
  });
});

describe('a ticker that was stopped', () => {
  test('does not run what was requested for now', () => {
    ticker.schedule();
    ticker.stop();
    turn();
    expect(runs).toEqual([]);
  });

  test('does not run what waited for the end of a tick', () => {
    ticker.schedule();
    turn();
    ticker.schedule();
    ticker.stop();
    pass(10 * WIDTH_MS);
    expect(runs).toEqual([1_000]);
  });

  test('takes no more requests, not even one from the tick that was settling', () => {
    ticker.schedule();
    vi.advanceTimersToNextTimer();
    ticker.schedule();
    ticker.stop();
    pass(10 * WIDTH_MS);
    ticker.schedule();
    pass(10 * WIDTH_MS);
    expect(runs).toEqual([1_000]);
  });

  test('may be stopped before its first tick', () => {
    expect(() => ticker.stop()).not.toThrow();
  });
});
