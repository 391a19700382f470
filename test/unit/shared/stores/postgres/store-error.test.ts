import { expect, it } from 'vitest';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import {
  describePostgresTrouble,
  toStoreError,
} from '../../../../../services/shared/stores/postgres/postgres.ts';

const reported = (code: string) => Object.assign(new Error('what the database says'), { code });

it.each([
  ['53100', 'no room on the disk'],
  ['53200', 'no memory'],
  ['53300', 'no connection left'],
  ['58030', 'the disk fails'],
  ['XX000', 'a file that can not grow, or a fault of its own'],
  ['40P01', 'a deadlock'],
  ['57P03', 'starting'],
  ['25006', 'read-only'],
  ['28P01', 'our password is refused'],
  ['3D000', 'no such database'],
])('%s, %s: nothing was counted, come back', (code) => {
  expect(toStoreError(reported(code))).toMatchObject({ reason: 'STORE_UNAVAILABLE', retryAfterMs: 1000 });
});

it.each([
  ['25006', 'read-only: let DATABASE_URL name the primary'],
  ['28P01', 'refuses our user'],
  ['53100', 'no disk space or memory left'],
  ['57P03', 'starting up, or recovering'],
  ['CONNECT_TIMEOUT', 'does not answer'],
])('%s: the operator is told that it %s', (code, trouble) => {
  expect(describePostgresTrouble(toStoreError(reported(code)))).toContain(trouble);
});

it.each(['CONNECTION_CLOSED', 'EPIPE', '57P01'])('%s: whether it was counted is unknown', (code) => {
  expect(toStoreError(reported(code))).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
});

it.each(['23505', '42P01'])('%s: about the statement, and passed on to its caller', (code) => {
  const error = reported(code);
  expect(toStoreError(error)).toBe(error);
  expect(error).not.toBeInstanceOf(AppError);
});
