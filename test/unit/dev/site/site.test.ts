import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseLocalConfig } from '../../../../dev/config.ts';
import { openSite } from '../../../../dev/site/site.ts';

const site = () => {
  const terminal = { say: vi.fn(), complain: vi.fn() };
  const config = parseLocalConfig({ DATA_DIR: '/data' });
  return openSite({ config, terminal, mark: 3, signal: new AbortController().signal });
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a start that takes too long names what did not answer', async () => {
  const { limitTime, waitFor, signal } = site();
  limitTime();
  await waitFor('postgres', Promise.resolve());
  void waitFor('edge', new Promise(() => {}));
  void waitFor('fanout', new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(90_000);
  expect(signal.reason).toEqual(
    new Error('not ready within 90 s: no answer from edge, fanout; see /data/logs'),
  );
});

it('a stop ends every process, in turns, although one of them fails to stop', async () => {
  const { keep, stop } = site();
  const ended: string[] = [];
  const kept = (name: string) => ({
    stop: async () => {
      ended.push(name);
      if (name === 'edge') throw new Error('no');
    },
  });
  keep(9, kept('postgres'));
  keep(1, kept('edge'));
  keep(1, kept('game'));
  await stop();
  expect(ended).toEqual(['edge', 'game', 'postgres']);
});
