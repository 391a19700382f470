import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ConcurrencyLimit,
  createConcurrencyLimit,
} from '../../../../../edge/http/submit/concurrency-limit.ts';

const TARGET_MS = 100;
const MIN = 10;
const MAX = 1_000;
let nowMs: number;
let limit: ConcurrencyLimit;

/** A batch whose oldest submission entered so long ago. */
const answeredAfter = (tookMs: number) => limit.onAnswered(nowMs - tookMs);

beforeEach(() => {
  nowMs = 10_000;
  limit = createConcurrencyLimit({ targetMs: TARGET_MS, min: MIN, max: MAX, monotonicMs: () => nowMs });
});

describe('the limit of submissions under way', () => {
  test('starts at its largest value, and admits below it', () => {
    expect(limit.admits(MAX - 1)).toBe(true);
    expect(limit.admits(MAX)).toBe(false);
  });

  test('falls in proportion to the time that answers took', () => {
    answeredAfter(125);
    expect(limit.most()).toBe(800);
  });

  test('falls by half at most for one slow batch', () => {
    answeredAfter(5_000);
    expect(limit.most()).toBe(500);
  });

  test('falls once for all that waited in the same queue', () => {
    answeredAfter(200);
    nowMs += 10;
    answeredAfter(200);
    expect(limit.most()).toBe(500);
    nowMs += 200;
    answeredAfter(200);
    expect(limit.most()).toBe(250);
  });

  test('never falls below its smallest value', () => {
    for (let batch = 0; batch < 20; batch += 1) {
      nowMs += 1_000;
      answeredAfter(999);
    }
    expect(limit.most()).toBe(MIN);
  });

  test('stays when answers are quick and nothing was refused', () => {
    answeredAfter(200);
    nowMs += 10;
    answeredAfter(5);
    expect(limit.most()).toBe(500);
  });

  test('grows by an eighth when answers are quick after a refusal, once for all that was under way', () => {
    answeredAfter(200);
    limit.admits(500);
    nowMs += 10;
    answeredAfter(5);
    expect(limit.most()).toBe(563);
    limit.admits(563);
    answeredAfter(5);
    expect(limit.most()).toBe(563);
    nowMs += 10;
    answeredAfter(5);
    expect(limit.most()).toBe(634);
  });

  test('grows up to its largest value', () => {
    answeredAfter(200);
    for (let batch = 0; batch < 20; batch += 1) {
      limit.admits(limit.most());
      nowMs += 2 * TARGET_MS;
      answeredAfter(TARGET_MS);
    }
    expect(limit.most()).toBe(MAX);
  });
});

/**
 * A server that answers `perMs` submissions a millisecond, one batch after another, while `offeredPerMs` arrive. Gives back how much
 * of its capacity was used and how long answers took, without the first four seconds.
 */
function simulate({ perMs, offeredPerMs }: { perMs: number; offeredPerMs: number }) {
  const MAX_BATCH = 200;
  /** What waits longer is refused unsent, as the queue does. */
  const PATIENCE_MS = 2 * TARGET_MS;
  const RUN_MS = 10_000;
  const SETTLED_MS = 4_000;
  let queue: number[] = [];
  let batch: number[] = [];
  let freeAtMs = 0;
  let arrived = 0;
  let answered = 0;
  const tookMs: number[] = [];
  const startMs = nowMs;
  for (let ms = 0; ms < RUN_MS; ms += 1) {
    nowMs = startMs + ms;
    for (arrived += offeredPerMs; arrived >= 1; arrived -= 1) {
      if (limit.admits(queue.length + batch.length)) queue.push(nowMs);
    }
    if (ms < freeAtMs) continue;
    const [oldest] = batch;
    if (oldest !== undefined) limit.onAnswered(oldest);
    if (ms > SETTLED_MS) {
      tookMs.push(...batch.map((entered) => nowMs - entered));
      answered += batch.length;
    }
    queue = queue.filter((entered) => nowMs - entered <= PATIENCE_MS);
    batch = queue.slice(0, MAX_BATCH);
    queue = queue.slice(MAX_BATCH);
    freeAtMs = ms + batch.length / perMs;
  }
  tookMs.sort((a, b) => a - b);
  return {
    used: answered / (perMs * (RUN_MS - SETTLED_MS)),
    p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0,
  };
}

describe('a server that gets more than it can answer', () => {
  test.each([
    [1.2, 2],
    [2, 2],
    [5, 2],
    [2, 8],
    [5, 0.5],
  ])('is kept busy and answers near the target, with %d times its capacity of %d/ms', (times, perMs) => {
    const { used, p99Ms } = simulate({ perMs, offeredPerMs: perMs * times });
    expect(used).toBeGreaterThan(0.85);
    expect(p99Ms).toBeLessThan(TARGET_MS * 1.7);
  });

  test('and one that gets less is not held back', () => {
    const { used } = simulate({ perMs: 2, offeredPerMs: 1.6 });
    expect(used).toBeGreaterThan(0.79);
  });
});

test('the limit stays within its bounds whatever happens', () => {
  const step = fc.record({ afterMs: fc.nat(500), tookMs: fc.nat(5_000), underWay: fc.nat(2 * MAX) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      for (const { afterMs, tookMs, underWay } of steps) {
        nowMs += afterMs;
        limit.admits(underWay);
        limit.onAnswered(nowMs - tookMs);
        expect(limit.most()).toBeGreaterThanOrEqual(MIN);
        expect(limit.most()).toBeLessThanOrEqual(MAX);
      }
    }),
  );
});
