/**
 * Files of JSON that belong to the auth service alone: readable by their owner only, replaced whole or not at all, by one
 * process at a time, and durable before a write returns.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

const OWNER_ONLY_FILE = 0o600;
/** A change takes milliseconds: a lock this old was left by a process that died. */
const STALE_LOCK_MS = 10_000;

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

function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Durable before it returns: the content first, then the name, then the folder that holds the name. */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.draft`;
  try {
    writeFileSync(draft, text, { mode: OWNER_ONLY_FILE, flag: 'wx', flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncPath(dirname(path));
}

/** Runs one change while no other process makes one. */
export function changeFileAlone<Result>(path: string, nowMs: number, change: () => Result): Result {
  const lock = `${path}.lock`;
  const heldSinceMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (heldSinceMs !== undefined && nowMs - heldSinceMs > STALE_LOCK_MS) rmSync(lock, { force: true });
  try {
    closeSync(openSync(lock, 'wx', OWNER_ONLY_FILE));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new FileBusyError(`${path} is being changed by another process; try again in a moment`);
  }
  try {
    return change();
  } finally {
    rmSync(lock, { force: true });
  }
}
