import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createLog, type Log } from '../../../../services/shared/telemetry/log.ts';
import { KINDS, LINES_OF_KIND } from '../../../../services/shared/telemetry/log-budget.ts';
import { LINE_LENGTH } from '../../../../services/shared/telemetry/log-value.ts';
import { createOperatorLog } from '../../../../services/shared/telemetry/operator-log.ts';

let lines: Record<string, unknown>[];
let longest: number;
let log: Log;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  lines = [];
  longest = 0;
  log = createLog('test', 'info', {
    destination: {
      write(line) {
        longest = Math.max(longest, line.length);
        lines.push(JSON.parse(line));
      },
    },
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const failedAt = (place: string) =>
  Object.assign(new Error('failed'), { stack: `Error: failed\n    at ${place}` });

describe('a line about an operator', () => {
  test('is written whatever their number, with who, from where, before and after', () => {
    const logAction = createOperatorLog(log);
    const operator = { caller: 'cli', peer: () => '127.0.0.1:4711' };
    for (let n = 0; n < 3 * LINES_OF_KIND; n += 1)
      logAction(operator, 'limits set', { before: null, after: { maxPoints: 5n } });
    expect(lines).toHaveLength(3 * LINES_OF_KIND);
    expect(lines[0]).toMatchObject({
      ...{ level: 'info', operator: 'cli', from: '127.0.0.1:4711', msg: 'limits set' },
      ...{ before: null, after: { maxPoints: '5' } },
    });
  });
});

describe('a flood of lines', () => {
  test('is limited by kind and second, and the number of lines left out is written', () => {
    for (let index = 0; index < 10_000; index += 1)
      log.error({ err: failedAt('one'), path: `/${index}` }, 'failed');
    expect(lines).toHaveLength(LINES_OF_KIND);
    expect(lines.map(({ path }) => path)).toEqual(lines.map((_, index) => `/${index}`));
    vi.advanceTimersByTime(1_000);
    expect(lines.slice(LINES_OF_KIND)).toMatchObject([
      {
        level: 'warn',
        service: 'test',
        kind: 'failed Error at one',
        lines: 10_000 - LINES_OF_KIND,
        msg: 'lines of one kind were left out',
      },
    ]);
    log.error({ err: failedAt('one') }, 'failed');
    expect(lines.at(-1)).toMatchObject({ level: 'error', msg: 'failed' });
  });

  test('hides no first line of another kind: another message, another error, another place', () => {
    for (let index = 0; index < 1_000; index += 1) log.error({ err: failedAt('one') }, 'failed');
    lines.length = 0;
    log.error({ err: failedAt('two') }, 'failed');
    log.error({ err: new AppError('INTERNAL') }, 'failed');
    log.warn('something else');
    expect(lines).toHaveLength(3);
  });

  test('of ever new kinds is bounded as well', () => {
    for (let index = 0; index < 10_000; index += 1) log.error(`kind ${index}`);
    expect(lines).toHaveLength(KINDS + LINES_OF_KIND);
    vi.advanceTimersByTime(1_000);
    expect(lines.at(-1)).toMatchObject({ kind: 'others', lines: 10_000 - KINDS - LINES_OF_KIND });
  });

  test('hides no fatal line, which is the last of its process', () => {
    for (let index = 0; index < 1_000; index += 1) log.error(`kind ${index}`);
    log.fatal({ err: failedAt('one') }, 'uncaught exception');
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'uncaught exception' });
  });

  test('costs nothing once it is over: no timer is left', () => {
    log.info('once');
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(lines).toHaveLength(1);
  });
});

describe('a line', () => {
  test('holds no more of a text, a list or an object than helps', () => {
    const long = 'x'.repeat(100_000);
    const deep = { a: { b: { c: { d: { e: { f: 1 } } } } } };
    const many = Array.from({ length: 10_000 }, () => ({ long, more: [long, long] }));
    log.error(
      { long, err: Object.assign(new Error(long), { command: { args: many } }), deep, many },
      'failed',
    );
    expect(longest).toBeLessThan(2 * LINE_LENGTH);
    expect(lines[0]).toMatchObject({ long: `${'x'.repeat(500)}… (100000 characters)`, msg: 'failed' });
  });

  test('tells of an error its type, message, place, code and cause', () => {
    const cause = Object.assign(new TypeError('why'), { code: 'ECONNRESET' });
    log.error({ err: new Error('failed', { cause }) }, 'call failed');
    expect(lines[0]).toMatchObject({
      msg: 'call failed',
      err: {
        type: 'Error',
        message: 'failed',
        stack: expect.stringContaining('log.test.ts'),
        cause: { type: 'TypeError', message: 'why', code: 'ECONNRESET' },
      },
    });
  });

  test('masks fields with secrets at any depth, and accepts numbers that JSON lacks', () => {
    log.info(
      {
        token: 'a',
        err: new Error('failed', { cause: new Error('x', { cause: { password: 'b' } }) }),
        n: 1n,
      },
      'm',
    );
    expect(lines[0]).toMatchObject({
      token: '[masked]',
      err: { cause: { cause: { password: '[masked]' } } },
      n: '1',
    });
  });
});
