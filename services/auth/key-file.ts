/**
 * The files that hold the signing keys: one for token keys, one for action keys, readable by their owner alone. A file
 * is replaced whole or not at all, by one process at a time, and is durable before a write returns.
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
import { join } from 'node:path';
import type { StoredKey } from './key-schedule.ts';

export type KeyKind = 'token' | 'action';
export const KEY_KINDS: readonly KeyKind[] = ['token', 'action'];

const OWNER_ONLY_FILE = 0o600;
/** A change takes milliseconds: a lock this old was left by a process that died. */
const STALE_LOCK_MS = 10_000;

const keysPath = (dir: string, kind: KeyKind): string => join(dir, `${kind}-keys.json`);

/** Another process is changing the same file at this moment. */
export class KeysBusyError extends Error {
  override readonly name = 'KeysBusyError';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== 'object' || value === null) return false;
  const key = value as Partial<Record<keyof StoredKey, unknown>>;
  const isTime = (time: unknown) => Number.isSafeInteger(time);
  return (
    typeof key.kid === 'string' &&
    /^[A-Za-z0-9_-]{1,32}$/.test(key.kid) &&
    isTime(key.signsFromMs) &&
    (key.signsUntilMs === undefined || isTime(key.signsUntilMs)) &&
    (key.verifiesUntilMs === undefined || isTime(key.verifiesUntilMs)) &&
    typeof key.jwk === 'object' &&
    key.jwk !== null
  );
}

/** Changes whenever the file was replaced; undefined when there is none. */
export function keysVersion(dir: string, kind: KeyKind): string | undefined {
  const stat = statSync(keysPath(dir, kind), { throwIfNoEntry: false });
  return stat && `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

/** The keys as they stand in the file. Throws when others may read it or when it is damaged. */
export function readKeys(dir: string, kind: KeyKind): StoredKey[] {
  const path = keysPath(dir, kind);
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path} may be read by others (mode ${mode.toString(8)}); its mode should be 600`);
  }
  let keys: unknown;
  try {
    keys = (JSON.parse(readFileSync(path, 'utf8')) as { keys?: unknown }).keys;
  } catch (error) {
    // The parser's message would quote the text, and the text is secret.
    throw new Error(`${path} can not be read as JSON (${codeOf(error) ?? 'damaged'})`);
  }
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isStoredKey)) {
    throw new Error(`${path} does not hold a list of keys`);
  }
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw new Error(`${path} repeats a key id`);
  return keys;
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
export function writeKeys(dir: string, kind: KeyKind, keys: readonly StoredKey[]): void {
  const path = keysPath(dir, kind);
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.draft`;
  try {
    writeFileSync(draft, `${JSON.stringify({ keys }, null, 2)}\n`, {
      mode: OWNER_ONLY_FILE,
      flag: 'wx',
      flush: true,
    });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncPath(dir);
}

/** Runs one change while no other process makes one: two at once could bring a withdrawn key back. */
export function changeAlone<Result>(dir: string, kind: KeyKind, nowMs: number, change: () => Result): Result {
  const lock = `${keysPath(dir, kind)}.lock`;
  const heldSinceMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (heldSinceMs !== undefined && nowMs - heldSinceMs > STALE_LOCK_MS) rmSync(lock, { force: true });
  try {
    closeSync(openSync(lock, 'wx', OWNER_ONLY_FILE));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new KeysBusyError(`the ${kind} keys are being changed by another process; try again in a moment`);
  }
  try {
    return change();
  } finally {
    rmSync(lock, { force: true });
  }
}
