/**
 * Files of JSON that belong to the auth service alone: readable by their owner only, and changed by one process at a time.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../shared/settings/clock.ts';

const OWNER_ONLY_FILE = 0o600;
/** A change takes milliseconds: a lock this old was left by a process that died. */
const STALE_LOCK_MS = 10_000;
/** Long enough to pass over a stale lock, and for hundreds of commands that are started at once. */
const LOCK_WAIT_MS = 30_000;
/** About as long as one change with its syncs. */
const LOCK_RETRY_MS = 15;

/** Another process is changing the same file at this moment. */
export class FileBusyError extends Error {
  override readonly name = 'FileBusyError';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Changes whenever the file was replaced; undefined when there is none. */
export function fileVersion(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

/** The fields in the file. Throws when others may read it or when it is damaged, without a word of its text. */
export function readOwnFile(path: string): Readonly<Record<string, unknown>> {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path} may be read by others (mode ${mode.toString(8)}); its mode should be 600`);
  }
  try {
    return { ...JSON.parse(readFileSync(path, 'utf8')) };
  } catch (error) {
    // The parser's message would quote the text, and the text is secret.
    throw new Error(`${path} can not be read as JSON (${codeOf(error) ?? 'damaged'})`);
  }
}

/**
 * Runs one change while no other process makes one; waits while another does. A lock that a process left behind when it died is
 * passed over. Rejects with FileBusyError when others hold the file for too long.
 */
export async function changeFileAlone<Result>(path: string, change: () => Result): Promise<Result> {
  const lock = `${path}.lock`;
  const startedMs = systemClock.now();
  while (!takeLock(lock)) {
    if (systemClock.now() - startedMs > LOCK_WAIT_MS) {
      throw new FileBusyError(`${path} is being changed by other processes; try again in a moment`);
    }
    await delay(LOCK_RETRY_MS);
  }
  try {
    return change();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): boolean {
  const heldSinceMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (heldSinceMs !== undefined && systemClock.now() - heldSinceMs > STALE_LOCK_MS)
    rmSync(lock, { force: true });
  try {
    closeSync(openSync(lock, 'wx', OWNER_ONLY_FILE));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
