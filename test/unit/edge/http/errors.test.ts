import { fromBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { errorFromJsonBytes } from '@connectrpc/connect/protocol-connect';
import { describe, expect, test } from 'vitest';
import {
  connectErrorBody,
  refusalOfStatus,
  toConnectError,
} from '../../../../edge/http/connect/connect-errors.ts';
import { describeError } from '../../../../edge/http/server/error-response.ts';
import { ErrorDetailSchema } from '../../../../gen/scoreboard/error/v1/error_pb.ts';
import { AppError, isReason, REASONS, type Reason } from '../../../../services/shared/errors/app-error.ts';
import { statusLine } from '../../../../services/shared/errors/http-status.ts';
import { RateLimitedError } from '../../../../services/shared/rate/rate-limited.ts';

const reasons = Object.keys(REASONS).filter(isReason);

/** Statuses that differ from the one of their kind. */
const OWN_STATUS: Partial<Record<Reason, number>> = {
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
  POINTS_OVER_CAP: 422,
};
const STATUS_OF_KIND: Record<string, number> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  out_of_range: 400,
  resource_exhausted: 429,
  unimplemented: 501,
  unavailable: 503,
  deadline_exceeded: 504,
  internal: 500,
};

describe.each(reasons)('the reason %s', (reason) => {
  const error = new AppError(reason, { retryAfterMs: 1_200 });
  const { status, body, headers } = describeError(error);

  test('has the status of its kind, or the more exact one that HTTP has for it', () => {
    expect(status).toBe(OWN_STATUS[reason] ?? STATUS_OF_KIND[error.kind]);
  });

  test('has a whole status line', () => {
    expect(statusLine(status)).toMatch(new RegExp(`^${status} [A-Z][A-Za-z ]+$`));
  });

  test('has a body of exactly code, reason and message', () => {
    expect(JSON.parse(body)).toEqual({ code: error.kind, reason, message: REASONS[reason][1] });
  });

  test('says how to go on where HTTP has a header for it', () => {
    const names = headers.map(([name]) => name);
    expect(names.includes('WWW-Authenticate')).toBe(status === 401);
    expect(names.includes('Retry-After')).toBe(status === 429 || status === 503);
  });

  test('reaches a Connect client with its code, message and detail', () => {
    const fallback = toConnectError(new AppError('INTERNAL'));
    const heard = errorFromJsonBytes(Buffer.from(connectErrorBody(error)), undefined, fallback);
    expect(Code[heard.code]?.toLowerCase()).toBe(error.kind.replaceAll('_', ''));
    expect(heard.rawMessage).toBe(error.message);
    expect(heard.findDetails(ErrorDetailSchema)).toMatchObject([{ reason, retryAfterMs: 1_200 }]);
    expect(toConnectError(error).findDetails(ErrorDetailSchema)).toMatchObject([{ reason }]);
    expect(JSON.parse(connectErrorBody(error)).reason).toBe(reason);
  });
});

test.each([
  [0, '1'],
  [1, '1'],
  [1_000, '1'],
  [1_001, '2'],
  [59_999, '60'],
])('a wait of %i ms is told as %s whole seconds', (retryAfterMs, seconds) => {
  const { headers } = describeError(new AppError('RATE_LIMITED', { retryAfterMs }));
  expect(headers).toContainEqual(['Retry-After', seconds]);
});

test.each([
  [{ perSecond: 100, burst: 500 }, 1, 'q=500;w=5', 1],
  [{ perSecond: 3, burst: 10 }, 1_001, 'q=10;w=4', 2],
])('a limit of %j that was passed is told with a wait of %i ms', (rate, waitMs, policy, seconds) => {
  const { status, headers, body } = describeError(new RateLimitedError('user', rate, waitMs));
  expect(status).toBe(429);
  expect(JSON.parse(body)).toMatchObject({ reason: 'RATE_LIMITED' });
  expect(headers).toEqual([
    ['Retry-After', String(seconds)],
    ['RateLimit-Policy', `"user";${policy}`],
    ['RateLimit', `"user";r=0;t=${seconds}`],
  ]);
});

test.each([
  [400, 'BODY_INVALID'],
  [415, 'CONTENT_TYPE_UNSUPPORTED'],
  [429, 'BODY_TOO_LARGE'],
  [501, 'CONTENT_TYPE_UNSUPPORTED'],
  [500, 'INTERNAL'],
  [505, 'INTERNAL'],
])('what Connect itself refuses with %i is %s', (status, reason) => {
  expect(refusalOfStatus(status).reason).toBe(reason);
});

test('a detail is base64 without padding, as Connect writes it', () => {
  const { details } = JSON.parse(connectErrorBody(new AppError('SIGNATURE_INVALID')));
  expect(details[0].type).toBe('scoreboard.error.v1.ErrorDetail');
  expect(details[0].value).not.toContain('=');
  const detail = fromBinary(ErrorDetailSchema, Buffer.from(details[0].value, 'base64'));
  expect(detail.reason).toBe('SIGNATURE_INVALID');
});
