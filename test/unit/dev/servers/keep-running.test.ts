import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepRunning, type Running } from '../../../../dev/servers/keep-running.ts';

function fakeProcess() {
  const { promise: exited, resolve: end } = Promise.withResolvers<string>();
  return { exited, end, stop: vi.fn(async () => end('it was stopped')) } satisfies Running &
    Record<string, unknown>;
}

describe('a process that is kept running', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is started again within a second of its end, with a word about it', async () => {
    const [first, second] = [fakeProcess(), fakeProcess()];
    const start = vi.fn(async () => second);
    const onEnd = vi.fn();
    const kept = keepRunning({ first, start, onEnd });
    first.end('it ended with SIGKILL');
    await vi.advanceTimersByTimeAsync(900);
    expect(start).toHaveBeenCalledOnce();
    expect(onEnd).toHaveBeenCalledExactlyOnceWith('it ended with SIGKILL');
    await kept.stop();
    expect(second.stop).toHaveBeenCalledOnce();
  });

  it('is started ever more slowly while it keeps ending, five seconds apart at most', async () => {
    const first = fakeProcess();
    const start = vi.fn(() => Promise.reject(new Error('no')));
    const kept = keepRunning({ first, start, onEnd: () => {} });
    first.end('gone');
    await vi.advanceTimersByTimeAsync(15_000);
    const before = start.mock.calls.length;
    expect(before).toBeLessThan(12);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(start.mock.calls.length).toBe(before + 1);
    await kept.stop();
  });

  it('is started soon again when it had lived long', async () => {
    const processes = Array.from({ length: 9 }, fakeProcess);
    let at = 0;
    const start = vi.fn(async () => processes[++at] ?? fakeProcess());
    const kept = keepRunning({ first: processes[0] ?? fakeProcess(), start, onEnd: () => {} });
    for (const process of processes.slice(0, 7)) {
      process.end('gone');
      await vi.advanceTimersByTimeAsync(5_000);
    }
    await vi.advanceTimersByTimeAsync(11_000);
    processes[7]?.end('gone');
    await vi.advanceTimersByTimeAsync(100);
    expect(start).toHaveBeenCalledTimes(8);
    await kept.stop();
  });

  it('is ended and started again for a fault that lasts, more patiently each time, and not for one of a moment', async () => {
    let [fault, starts]: [string | undefined, number] = [undefined, 0];
    const faultable = () => {
      const process = fakeProcess();
      return { ...process, findFault: async () => fault, kill: vi.fn(() => process.end('killed')) };
    };
    const onEnd = vi.fn();
    const start = async () => {
      starts += 1;
      return faultable();
    };
    const kept = keepRunning<Running>({ first: faultable(), start, onEnd });
    await vi.advanceTimersByTimeAsync(5_000);
    fault = 'it is of no use';
    await vi.advanceTimersByTimeAsync(2_500);
    fault = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(starts).toBe(0);
    fault = 'it is of no use';
    await vi.advanceTimersByTimeAsync(8_000);
    expect(starts).toBe(1);
    expect(onEnd).toHaveBeenCalledExactlyOnceWith('it is of no use');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(starts).toBeLessThan(7);
    fault = undefined;
    await vi.advanceTimersByTimeAsync(2_000);
    const before = starts;
    fault = 'it is of no use';
    await vi.advanceTimersByTimeAsync(8_000);
    expect(starts).toBe(before + 1);
    await kept.stop();
  });

  it('stays away when it was stopped, also when it was just coming back', async () => {
    const [first, second] = [fakeProcess(), fakeProcess()];
    const { promise: starting, resolve: started } = Promise.withResolvers<Running>();
    const start = vi.fn(() => starting);
    const kept = keepRunning<Running>({ first, start, onEnd: () => {} });
    first.end('gone');
    await vi.advanceTimersByTimeAsync(100);
    const stopped = kept.stop();
    started(second);
    await stopped;
    expect(second.stop).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(start).toHaveBeenCalledOnce();
  });
});
