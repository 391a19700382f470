import { describe, expect, test } from 'vitest';
import { AppError, isReason, REASONS, type Reason } from '../../../../services/shared/errors/app-error.ts';
import { statusLine } from '../../../../services/shared/errors/http-status.ts';
import { answerError } from '../../../../services/shared/http/error-answer.ts';
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
  const { status, body, headers } = answerError(error);

  test('has the status of its kind or a more exact one of its own', () => {
    expect(status).toBe(OWN_STATUS[reason] ?? STATUS_OF_KIND[error.kind]);
  });

  test('has a whole status line', () => {
    expect(statusLine(status)).toMatch(new RegExp(`^${status} [A-Z][A-Za-z ]+$`));
  });

  test('has a body of exactly code, reason and message', () => {
    expect(JSON.parse(body)).toEqual({ code: error.kind, reason, message: REASONS[reason][1] });
  });

  test('has the header that tells the client what to do next', () => {
    const names = headers.map(([name]) => name);
    expect(names.includes('WWW-Authenticate')).toBe(status === 401);
    expect(names.includes('Retry-After')).toBe(status === 429 || status === 503);
  });
});

test.each([
  [0, '1'],
  [1, '1'],
  [1_000, '1'],
  [1_001, '2'],
  [59_999, '60'],
])('a wait of %i ms becomes Retry-After: %s', (retryAfterMs, seconds) => {
  const { headers } = answerError(new AppError('RATE_LIMITED', { retryAfterMs }));
  expect(headers).toContainEqual(['Retry-After', seconds]);
});

test.each([
  [{ perSecond: 100, burst: 500 }, 1, 'q=500;w=5', 1],
  [{ perSecond: 3, burst: 10 }, 1_001, 'q=10;w=4', 2],
])(
  'an exceeded limit of %j with a wait of %i ms names the limit and the wait',
  (rate, waitMs, policy, seconds) => {
    const { status, headers, body } = answerError(new RateLimitedError('user', rate, waitMs));
    expect(status).toBe(429);
    expect(JSON.parse(body)).toMatchObject({ reason: 'RATE_LIMITED' });
    expect(headers).toEqual([
      ['Retry-After', String(seconds)],
      ['RateLimit-Policy', `"user";${policy}`],
      ['RateLimit', `"user";r=0;t=${seconds}`],
    ]);
  },
);
