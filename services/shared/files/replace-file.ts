/**
 * Private files and folders. A file is replaced whole or not at all, and is durable before a write returns. It stays with its
 * owner: what root writes into another user's folder belongs to that user, whose processes must be able to read it.
 */
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const ROOT = 0;

/** The name of a file that `replaceFile` has not finished. */
export function isDraft(name: string): boolean {
  return /\.\d+\.[0-9a-f]{8}\.draft$/.test(name);
}

/** Keeps owner and mode of the file that it replaces. Throws, and changes nothing, where it could not keep the owner. */
export function replaceFile(path: string, text: string): void {
  const folder = dirname(path);
  const before = statSync(path, { throwIfNoEntry: false });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.draft`;
  try {
    const file = openSync(draft, 'wx', OWNER_ONLY_FILE);
    try {
      writeFileSync(file, text);
      keepOwner(file, path, before);
      if (before !== undefined) fchmodSync(file, before.mode & 0o777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    // A full disk is told without a path.
    if (error instanceof Error && !error.message.includes(path)) error.message = `${path}: ${error.message}`;
    throw error;
  }
  syncFolder(folder);
}

/** Creates the folder, and those on the way to it, for the owner of the folder that they are in. One that exists stays as it is. */
export function ensurePrivateFolder(path: string): void {
  const folder = resolve(path);
  const first = mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  if (first === undefined || process.geteuid?.() !== ROOT) return;
  const { uid, gid } = statSync(dirname(first));
  for (let made = folder; ; made = dirname(made)) {
    chownSync(made, uid, gid);
    if (made === first) return;
  }
}

function keepOwner(file: number, path: string, before: Stats | undefined): void {
  const user = process.geteuid?.();
  if (user === ROOT) {
    // A file of root in another user's folder was left there by mistake.
    const { uid, gid } = before !== undefined && before.uid !== ROOT ? before : statSync(dirname(path));
    fchownSync(file, uid, gid);
  } else if (before !== undefined && user !== undefined && before.uid !== user) {
    throw new Error(`${path} belongs to another user (uid ${before.uid}): run this as that user, or as root`);
  }
}

/** The name of a new file is durable once its folder is. */
export function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
