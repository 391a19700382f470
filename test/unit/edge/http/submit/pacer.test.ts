import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPacer, type Pacer } from '../../../../../edge/http/submit/pacer.ts';

let pacer: Pacer;
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

test('lets the first of a stretch go at once and the others in the stretches that follow, in order', async () => {
  come(0, 8);
  expect(gone).toEqual(numbers(3));
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(6));
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(8));
});

test('who comes when a stretch has room goes at once, never before those who wait', async () => {
  come(0, 4);
  await vi.advanceTimersByTimeAsync(10);
  come(4, 3);
  expect(gone).toEqual(numbers(6));
  await vi.advanceTimersByTimeAsync(10);
  expect(gone).toEqual(numbers(7));
});

test('a timer that comes late makes up for some of the stretches that it missed', async () => {
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

test('a rest saves nothing up, and leaves no timer', async () => {
  come(0, 1);
  await vi.advanceTimersByTimeAsync(10);
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  come(1, 4);
  expect(gone).toEqual(numbers(4));
});
