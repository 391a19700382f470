/**
 * The accept step of the judged lane. One statement judges a batch and writes it. A batch that met another writer of one of its
 * actions is tried again, and then finds that action as a repeat.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Deadline } from '../../shared/flow/deadline.ts';
import type { AcceptResult } from '../accept/accept-scores.ts';
import type { Action } from '../accept/action.ts';
import type { LimitedStore } from './limited-store.ts';

/** Each failed attempt means that another writer committed one of our actions meanwhile; more than a few is a fault. */
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 1_000;

export async function acceptLimited(
  store: LimitedStore,
  actions: readonly Action[],
  deadline: Pick<Deadline, 'remainingMs'>,
): Promise<AcceptResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const written = await store.accept(actions, deadline.remainingMs());
    if (written !== undefined) return written;
  }
  throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
}
