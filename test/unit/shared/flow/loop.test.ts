import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLoop, type Loop } from '../../../../services/shared/flow/loop.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';

let runs: number;
let loop: Loop;

beforeEach(() => {
  vi.useFakeTimers();
  runs = 0;
  loop = createLoop({
    name: 'test',
    everyMs: 500,
    async run() {
      runs += 1;
    },
    log: createSilentLog(),
  });
});

afterEach(async () => {
  await loop.stop();
  vi.useRealTimers();
});

it('runs at once when it is woken after a rest, and at each beat otherwise', async () => {
  await loop.start();
  await vi.advanceTimersByTimeAsync(499);
  expect(runs).toBe(1);
  loop.wake();
  await vi.advanceTimersByTimeAsync(1);
  expect(runs).toBe(2);
  await vi.advanceTimersByTimeAsync(500);
  expect(runs).toBe(3);
});

it('rests between two runs, however often it is woken', async () => {
  await loop.start();
  for (let ms = 0; ms < 1_000; ms += 1) {
    loop.wake();
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(runs).toBeLessThanOrEqual(51);
  expect(runs).toBeGreaterThan(40);
});

it('does nothing when it is woken before its start or after its end', async () => {
  loop.wake();
  await vi.advanceTimersByTimeAsync(1_000);
  await loop.start();
  await loop.stop();
  loop.wake();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(runs).toBe(1);
});
