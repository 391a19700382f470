/** The files with the signing keys: one for token keys and one for action keys, readable by their owner only. */
import { join } from 'node:path';
import { replaceFile } from '../../shared/files/replace-file.ts';
import type { StoredKey } from './key-schedule.ts';
import { changeFileAlone, fileOwner, fileVersion, readOwnFile } from './own-file.ts';

export type KeyKind = 'token' | 'action';
export const KEY_KINDS: readonly KeyKind[] = ['token', 'action'];

const keysPath = (dir: string, kind: KeyKind): string => join(dir, `${kind}-keys.json`);

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

/** Changes whenever the file is replaced; undefined when there is none. */
export const keysVersion = (dir: string, kind: KeyKind): string | undefined =>
  fileVersion(keysPath(dir, kind));

/** Who changed the keys last. */
export const keysOwner = (dir: string, kind: KeyKind): string => fileOwner(keysPath(dir, kind));

/** The keys in the file. Throws when others may read it or when it is damaged. */
export function readKeys(dir: string, kind: KeyKind): StoredKey[] {
  const path = keysPath(dir, kind);
  const { keys } = readOwnFile(path);
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isStoredKey)) {
    throw new Error(`${path} does not hold a list of keys`);
  }
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw new Error(`${path} repeats a key id`);
  return keys;
}

/** Durable before it returns. */
export function writeKeys(dir: string, kind: KeyKind, keys: readonly StoredKey[]): void {
  replaceFile(keysPath(dir, kind), `${JSON.stringify({ keys }, null, 2)}\n`);
}

/** Runs one change while no other process makes one: two at once could restore a withdrawn key. */
export function changeAlone<Result>(dir: string, kind: KeyKind, change: () => Result): Promise<Result> {
  return changeFileAlone(keysPath(dir, kind), change);
}
