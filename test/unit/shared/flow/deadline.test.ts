/** A deadline: when it passes, and what it cancels. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';

describe('a deadline', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('has less time left as time goes by, and none once it has passed', () => {
    const deadline = Deadline.after(100);
    vi.advanceTimersByTime(40);
    expect(deadline.remainingMs()).toBe(60);
    expect(deadline.hasPassed()).toBe(false);
    vi.advanceTimersByTime(60);
    expect(deadline.hasPassed()).toBe(true);
    vi.advanceTimersByTime(60);
    expect(deadline.remainingMs()).toBe(0);
  });

  test('is never moved back by a limit within it', () => {
    const deadline = Deadline.after(100);
    expect(deadline.within(30).remainingMs()).toBe(30);
    expect(deadline.within(300)).toBe(deadline);
    expect(Deadline.never.within(300).remainingMs()).toBe(300);
  });

  test('leaves time for a step that follows', () => {
    expect(Deadline.after(100).before(30).remainingMs()).toBe(70);
    expect(Deadline.after(20).before(30).hasPassed()).toBe(true);
    expect(Deadline.never.before(30).hasPassed()).toBe(false);
  });

  test('settles with work that ends in time, and leaves no timer', async () => {
    expect(await Deadline.after(100).race(Promise.resolve('done'))).toBe('done');
    await expect(Deadline.after(100).race(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('refuses when it passes first, and not before', async () => {
    const refused = vi.fn();
    const racing = Deadline.after(100)
      .race(new Promise(() => {}))
      .catch(refused);
    await vi.advanceTimersByTimeAsync(99);
    expect(refused).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await racing;
    expect(refused.mock.calls).toEqual([[new AppError('DEADLINE_EXCEEDED')]]);
  });

  test('answers or throws what its owner says when it passes', async () => {
    const never = new Promise<string>(() => {});
    const answered = Deadline.after(10).race(never, () => 'late');
    const thrown = Deadline.after(10)
      .race(never, () => {
        throw new Error('gave up');
      })
      .catch((error: Error) => error.message);
    await vi.advanceTimersByTimeAsync(10);
    expect([await answered, await thrown]).toEqual(['late', 'gave up']);
  });

  test('that never passes sets no timer', async () => {
    void Deadline.never.race(new Promise(() => {}));
    expect(vi.getTimerCount()).toBe(0);
    expect(Deadline.never.remainingMs()).toBe(Number.POSITIVE_INFINITY);
    expect(Deadline.never.signal().aborted).toBe(false);
  });
});

test('the signal of a deadline ends work that takes one', async () => {
  const deadline = Deadline.after(5);
  expect(deadline.signal()).toBe(deadline.signal());
  await expect(delay(60_000, undefined, { signal: deadline.signal() })).rejects.toMatchObject({
    name: 'AbortError',
    cause: { name: 'TimeoutError' },
  });
  expect(Deadline.after(-1).signal()).toBeInstanceOf(AbortSignal);
});
