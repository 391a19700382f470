import { expect, it } from 'vitest';
import { admissionRefusal } from '../../../../services/score/submit/admission.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';

const closed = { refusal: () => undefined };
const open = { refusal: () => new AppError('STORE_UNAVAILABLE', { retryAfterMs: 1_000 }) };

it('admits submissions while Postgres is written to and the outbox has room', () => {
  expect(admissionRefusal({ breaker: closed, outbox: { isFull: () => false } })).toBeUndefined();
});

it('refuses while the outbox is full, with a time for clients to wait', () => {
  expect(admissionRefusal({ breaker: closed, outbox: { isFull: () => true } })).toMatchObject({
    ...{ reason: 'OUTBOX_FULL', retryAfterMs: 5_000 },
  });
});

it('refuses with the reason of the breaker while it is open, whatever the outbox', () => {
  for (const isFull of [true, false]) {
    expect(admissionRefusal({ breaker: open, outbox: { isFull: () => isFull } })).toMatchObject({
      ...{ reason: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 },
    });
  }
});
