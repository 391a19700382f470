/** Checks the files of keys and revocations on one beat, so that what the operator changes takes effect without a restart. */

/** A check is one `stat` of each small file. Verifiers learn of a change at once, so that it takes effect in less than a second. */
export const POLL_MS = 500;

/** Returns a function that ends it. */
export function followFiles(check: () => Promise<void>): () => void {
  const timer = setInterval(() => void check(), POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
