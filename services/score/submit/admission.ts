/**
 * Admission check: the first step of every submission. It refuses while nothing could be committed or delivered, before a
 * submission costs anything. The queues behind it have limits of their own.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { PostgresBreaker } from '../accept/postgres-breaker.ts';
import type { OutboxWatch } from '../outbox/outbox-watch.ts';

/** The outbox has room again once NATS is back, at a time that is unknown; clients retry rarely. */
const OUTBOX_FULL_RETRY_MS = 5_000;

export interface AdmissionState {
  breaker: Pick<PostgresBreaker, 'refusal'>;
  outbox: Pick<OutboxWatch, 'isFull'>;
}

/** Returns undefined if submissions can be committed now; otherwise the refusal for all of them. */
export function admissionRefusal({ breaker, outbox }: AdmissionState): AppError | undefined {
  const refusal = breaker.refusal();
  if (refusal !== undefined) return refusal;
  return outbox.isFull() ? new AppError('OUTBOX_FULL', { retryAfterMs: OUTBOX_FULL_RETRY_MS }) : undefined;
}
