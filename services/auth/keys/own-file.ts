/**
 * JSON files that only the auth service and its operator use: readable by their owner only, and changed by one process at a time.
 */
import { closeSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { lockFolder } from '../../shared/files/file-lock.ts';

/** A change takes milliseconds, so this is enough for hundreds of commands that start at once. */
const LOCK_WAIT_MS = 30_000;

/** Another process is changing the same file. */
export class FileBusyError extends Error {
  override readonly name = 'FileBusyError';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Changes whenever the file is replaced; undefined when there is none. */
export function fileVersion(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

/** The user of the system who wrote the file last. */
export function fileOwner(path: string): string {
  const uid = statSync(path, { throwIfNoEntry: false })?.uid;
  return uid === undefined ? 'unknown' : `uid ${uid}`;
}

/** The fields in the file. Throws when others may read it or when it is damaged; an error never contains its text. */
export function readOwnFile(path: string): Readonly<Record<string, unknown>> {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path} is readable by other users (mode ${mode.toString(8)}): set its mode to 600`);
  }
  try {
    return { ...JSON.parse(readFileSync(path, 'utf8')) };
  } catch (error) {
    // The parser's message would quote the text, and the text is secret.
    throw new Error(`${path} can not be read as JSON (${codeOf(error) ?? 'damaged'})`);
  }
}

/**
 * Runs one change while no other process makes one in the same folder, and waits for others. Rejects with FileBusyError when they
 * hold the lock for too long.
 */
export async function changeFileAlone<Result>(path: string, change: () => Result): Promise<Result> {
  const lock = await lockFolder(dirname(path), LOCK_WAIT_MS);
  if (lock === undefined)
    throw new FileBusyError(`${path} is being changed by other processes: try again in a moment`);
  try {
    return change();
  } finally {
    closeSync(lock);
  }
}
