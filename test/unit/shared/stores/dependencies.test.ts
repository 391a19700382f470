import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchDependencies } from '../../../../services/shared/stores/dependencies.ts';
import { createLog } from '../../../../services/shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../../../services/shared/telemetry/repeated-log.ts';

let lines: Record<string, unknown>[];
const log = createLog('test', 'info', {
  destination: { write: (line) => void lines.push(JSON.parse(line)) },
  linesOfKind: Number.POSITIVE_INFINITY,
});

beforeEach(() => {
  lines = [];
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('an error of a server is logged with the name of its command, without the arguments', () => {
  const refused = Object.assign(new Error('NOPERM'), {
    command: { name: 'eval', args: ["redis.call('SET')", 'a-password'] },
  });
  log.warn({ err: refused }, 'refused');
  expect(lines).toMatchObject([{ err: { message: 'NOPERM', command: 'eval' } }]);
  expect(JSON.stringify(lines)).not.toMatch(/redis\.call|a-password/);
});

test('a repeated warning is written at intervals, with the number of repetitions', () => {
  const warn = createRepeatedWarning(log, 'it failed');
  for (let n = 0; n < 100; n += 1) warn({ n });
  expect(lines).toMatchObject([{ n: 0, msg: 'it failed' }]);
  vi.advanceTimersByTime(10_000);
  warn({ n: 100 });
  warn({ n: 101 });
  expect(lines.slice(1)).toMatchObject([{ n: 100, leftOut: 99 }]);
});

test('a server that has not worked since the start is logged once the other processes had time to start', () => {
  let nats: string | undefined = 'the stream is missing';
  const watch = watchDependencies({ look: () => ({ nats, redis: undefined }), log });
  vi.advanceTimersByTime(9_000);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(2_000);
  expect(lines).toMatchObject([{ level: 'error', msg: 'NATS: the stream is missing' }]);
  nats = undefined;
  vi.advanceTimersByTime(2_000);
  nats = 'not connected';
  vi.advanceTimersByTime(2_000);
  expect(lines.slice(1)).toMatchObject([{ msg: 'NATS: works again' }, { msg: 'NATS: not connected' }]);
  watch.stop();
});

test('a server that is away is logged once, when that changes, and not for a short stall', () => {
  let nats: string | undefined;
  const watch = watchDependencies({ look: () => ({ nats }), log });
  const after = (trouble: string | undefined, seconds: number) => {
    nats = trouble;
    vi.advanceTimersByTime(seconds * 1_000);
  };
  after(undefined, 5);
  after('not connected', 1);
  after(undefined, 5);
  expect(lines).toEqual([]);
  after('JetStream is disabled', 60);
  after('not connected', 1);
  after('JetStream is disabled', 60);
  expect(lines).toMatchObject([{ level: 'error', msg: 'NATS: JetStream is disabled' }]);
  after(undefined, 1);
  after('not connected', 60);
  after(undefined, 60);
  expect(lines.slice(1)).toMatchObject([
    { level: 'error', msg: 'NATS: not connected' },
    { level: 'info', msg: 'NATS: works again' },
  ]);
  watch.stop();
  after('not connected', 60);
  expect(lines).toHaveLength(3);
});
