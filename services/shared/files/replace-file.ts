/**
 * Private files and folders. A file is replaced whole or not at all, and is durable before a write returns. It keeps its owner: a
 * file that root writes into another user's folder belongs to that user, whose processes must be able to read it.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  lstatSync,
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

/** Keeps the owner and mode of the file. Throws, and changes nothing, when it can't keep the owner. */
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
    // The error of a full disk names no path.
    if (error instanceof Error && !error.message.includes(path)) error.message = `${path}: ${error.message}`;
    throw error;
  }
  syncFolder(folder);
}

/** Creates the folder and its parents for the owner of the folder that contains them. An existing folder is not changed. */
export function ensurePrivateFolder(path: string): void {
  const folder = resolve(path);
  const first = mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  if (first === undefined || process.geteuid?.() !== ROOT) return;
  const { uid, gid } = statSync(dirname(first));
  for (let made = folder; ; made = dirname(made)) {
    lchownSync(made, uid, gid);
    if (made === first) return;
  }
}

/** The same, and closes a folder that exists to others. A link is left alone: its target may be a folder of others. */
export function ensureClosedFolder(path: string): void {
  ensurePrivateFolder(path);
  if (!lstatSync(path).isDirectory()) return;
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const folder = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    fchmodSync(folder, OWNER_ONLY_FOLDER);
  } finally {
    closeSync(folder);
  }
}

function keepOwner(file: number, path: string, before: Stats | undefined): void {
  const user = process.geteuid?.();
  if (user === ROOT) {
    // A file of root in another user's folder was written there by mistake.
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
