/**
 * Waits until every writer knows of a build. A writer is one statement that accepts actions: it reads from `rank_index` which
 * epochs to project to, and commits a moment later. A writer whose snapshot is older than the announcement does not project to
 * the new epoch, so the epoch is filled from Postgres only after that writer has ended.
 *
 * The invariant: a statement that accepts actions inserts into `outbox` in the same statement that reads `rank_index`
 * (accept-store.ts and limited-store.ts of score). Postgres locks every table of a statement before it takes the snapshot that
 * the statement runs with (READ COMMITTED), and keeps the locks until the transaction has ended. So once the announcement is
 * committed, a writer without the lock takes its snapshot later and knows of the build; writers that may not know of it are
 * among the holders of the lock. They are listed once, and each is waited for, as CREATE INDEX CONCURRENTLY waits for lockers
 * of its table. Later writers, other tables and other databases play no part. Neither do deliveries and repairs, which read the
 * states of players before they read `rank_index`, nor erasures, which the reconciler follows up.
 */
import { Deadline } from '../../shared/flow/deadline.ts';

/** Transactions that write to the outbox now, named for the operator. A name is used once. */
export type ListWriters = () => Promise<readonly string[]>;

/** Between two readings of the list. A writer takes a few milliseconds. */
const REST_MS = 20;
/**
 * Four times as long as the server lets a statement of ours run (700 ms). Only a server that is stuck, or another client's
 * open transaction that wrote to the outbox, lasts longer.
 */
const WRITERS_LIMIT_MS = 3_000;

/** Rejects when the signal aborts, and when a writer outlasts the limit. */
export async function awaitWriters(listWriters: ListWriters, signal: AbortSignal): Promise<void> {
  const deadline = Deadline.after(WRITERS_LIMIT_MS);
  let awaited = await listWriters();
  while (awaited.length > 0) {
    if (deadline.hasPassed())
      throw new Error(`still writing to the outbox after ${WRITERS_LIMIT_MS} ms: ${awaited.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    signal.throwIfAborted();
    const present = new Set(await listWriters());
    awaited = awaited.filter((writer) => present.has(writer));
  }
}
