import { expect, it } from 'vitest';
import { shortError } from '../../../../dev/host/log-file.ts';

const line = (level: string, rest: object) =>
  JSON.stringify({ level, time: 'now', service: 'auth', ...rest });

it('reports an error in one line: what was tried and why it failed', () => {
  const err = { message: 'connection refused', stack: 'Error: …' };
  expect(shortError(line('fatal', { err, msg: 'could not start' }))).toBe(
    'could not start: connection refused',
  );
  expect(shortError(line('error', { msg: 'feed lost' }))).toBe('feed lost');
});

it('reports the error of a runtime that could not load the program', () => {
  expect(shortError('SyntaxError: Unexpected token')).toBe('SyntaxError: Unexpected token');
});

it('reports nothing else', () => {
  expect(shortError(line('info', { msg: 'started' }))).toBeUndefined();
  expect(shortError('    at Module._compile (node:internal)')).toBeUndefined();
  expect(shortError('{"level":"error"')).toBeUndefined();
});
