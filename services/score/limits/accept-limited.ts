/**
 * The accept use case for what is judged one by one. The store judges and writes in one statement; a batch that met another
 * writer of one of its actions is tried again, and finds it as a repeat then.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { AcceptResult } from '../submit/accept-scores.ts';
import type { AcceptCommand } from '../submit/action.ts';
import type { LimitedStore } from './limited-store.ts';

/** Each failed attempt means that another writer committed one of our actions meanwhile; more than a few is a fault. */
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 1_000;

export async function acceptLimited(
  store: LimitedStore,
  commands: readonly AcceptCommand[],
  deadline: { remainingMs(): number },
): Promise<AcceptResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const written = await store.accept(commands, deadline.remainingMs());
    if (written !== undefined) return written;
  }
  throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
}
