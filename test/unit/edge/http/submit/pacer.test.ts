import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPacer } from '../../../../../edge/http/submit/pacer.ts';

let pacer: ReturnType<typeof createPacer>;
let gone: number[];

/** Notes when it is their turn, by their numbers. */
function come(from: number, count: number): void {
  for (let number = from; number < from + count; number += 1) {
    const turn = pacer.turn();
    if (turn === undefined) gone.push(number);
    else void turn.then(() => gone.push(number));
  }
}
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

beforeEach(() => {
  vi.useFakeTimers();
  pacer = createPacer(3, 10);
  gone = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('the first callers of an interval go at once, the others in the following intervals, in order', async () => {
  come(0, 8);
  expect(gone).toEqual(numbers(3));
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(6));
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(8));
});

test('a caller goes at once if the interval has room and none waits', async () => {
  come(0, 4);
  await vi.advanceTimersByTimeAsync(10);
  come(4, 3);
  expect(gone).toEqual(numbers(6));
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(7));
});

test('a late timer makes up for some of the intervals that it missed', async () => {
  /** Something else holds the event loop until so much later. */
  const late = (byMs: number) => {
    const now = performance.now();
    vi.spyOn(performance, 'now').mockReturnValue(now + byMs);
  };
  come(0, 40);
  expect(gone).toEqual(numbers(3));
  late(35);
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(3 + 3 * 3));
  late(1_000);
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(12 + 5 * 3));
});

test('a pause saves up no turns and leaves no timer', async () => {
  come(0, 1);
  await vi.advanceTimersByTimeAsync(10);
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  come(1, 4);
  expect(gone).toEqual(numbers(4));
});
