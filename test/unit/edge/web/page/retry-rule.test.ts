import { expect, it } from 'vitest';
import { ApiError } from '../../../../../edge/web/page/api.ts';
import { AppError, isReason, REASONS } from '../../../../../services/shared/errors/app-error.ts';
import { answerError } from '../../../../../services/shared/http/error-answer.ts';

/** Kinds that may pass by themselves. */
const PASSING = new Set(['unavailable', 'deadline_exceeded', 'resource_exhausted']);
/** At its limit for good: the same body is always too large. */
const NEVER = new Set(['BODY_TOO_LARGE']);

it.each(Object.entries(REASONS))(
  'the page tries again after %s exactly when that can help',
  (reason, [kind]) => {
    if (!isReason(reason)) throw new Error(`${reason} is no reason`);
    const { status } = answerError(new AppError(reason));
    expect(new ApiError(status, reason, '').retryable).toBe(PASSING.has(kind) && !NEVER.has(reason));
  },
);

it('silence and a proxy without anybody behind it are worth another try, other failures are not', () => {
  expect([0, 502].map((status) => new ApiError(status, 'NETWORK', '').retryable)).toEqual([true, true]);
  expect([400, 401, 403, 404, 500, 501].some((status) => new ApiError(status, 'X', '').retryable)).toBe(
    false,
  );
});
