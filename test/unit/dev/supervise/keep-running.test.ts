import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepRunning, type Running } from '../../../../dev/supervise/keep-running.ts';

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

  it('is started again within a second of its end, which is reported', async () => {
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

  it('is started at growing intervals of up to five seconds while it keeps ending', async () => {
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

  it('is started again soon if it had run for long', async () => {
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

  it('is killed and started again for a fault that lasts, after a longer time each time, and not for a short one', async () => {
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

  it('restarts on request: it drains, and starts again without a delay', async () => {
    const [first, second] = [fakeProcess(), fakeProcess()];
    const start = vi.fn(async () => second);
    const onEnd = vi.fn();
    const kept = keepRunning({ first, start, onEnd });
    kept.restart('its sources changed');
    await vi.advanceTimersByTimeAsync(0);
    expect(first.stop).toHaveBeenCalledOnce();
    expect(start).toHaveBeenCalledOnce();
    expect(onEnd).toHaveBeenCalledExactlyOnceWith('its sources changed');
    second.end('it ended with SIGKILL');
    await vi.advanceTimersByTimeAsync(100);
    expect(onEnd).toHaveBeenLastCalledWith('it ended with SIGKILL');
    await kept.stop();
  });

  it('restarts on request at once although it kept ending, as after a mistake in its sources', async () => {
    const first = fakeProcess();
    const second = fakeProcess();
    const start = vi.fn<() => Promise<ReturnType<typeof fakeProcess>>>(() => Promise.reject(new Error('no')));
    const kept = keepRunning({ first, start, onEnd: () => {} });
    first.end('gone');
    await vi.advanceTimersByTimeAsync(17_000);
    const before = start.mock.calls.length;
    start.mockResolvedValue(second);
    kept.restart('its sources changed');
    await vi.advanceTimersByTimeAsync(0);
    expect(start.mock.calls.length).toBe(before + 1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(start.mock.calls.length).toBe(before + 1);
    await kept.stop();
    expect(second.stop).toHaveBeenCalledOnce();
  });

  it('restarts once more if that is requested while it is starting', async () => {
    const [first, second, third] = [fakeProcess(), fakeProcess(), fakeProcess()];
    const { promise: starting, resolve: started } = Promise.withResolvers<typeof second>();
    const start = vi.fn<() => Promise<typeof second>>(() => starting);
    const kept = keepRunning({ first, start, onEnd: () => {} });
    kept.restart('its sources changed');
    await vi.advanceTimersByTimeAsync(0);
    start.mockResolvedValue(third);
    kept.restart('its sources changed');
    started(second);
    await vi.advanceTimersByTimeAsync(0);
    expect(second.stop).toHaveBeenCalledOnce();
    expect(start).toHaveBeenCalledTimes(2);
    await kept.stop();
    expect(third.stop).toHaveBeenCalledOnce();
  });

  it('stays stopped, also if it was stopped while it was starting again', async () => {
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
