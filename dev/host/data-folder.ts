/**
 * The data folder of a stack. It is created if missing, refused if this user can't use it, and locked while a stack runs. The lock
 * is flock(2) on DATA_DIR/stack.lock, which the kernel releases whenever its holder ends. Every process of the stack inherits a
 * descriptor of the same file, by which a later start finds the processes that a killed supervisor left behind.
 */
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { tryLockFile } from '../../services/shared/files/file-lock.ts';
import { isDraft } from '../../services/shared/files/replace-file.ts';
import { stackLockPath } from '../../services/shared/identity/stack-file.ts';
import { isRunning } from './process-table.ts';

/** The folders of a stack, which all belong to one user. */
const FOLDERS = ['secrets', 'postgres', 'redis', 'nats', 'auth-keys', 'certificates', 'logs', 'sockets'];
/** The folders to which only the stack writes, and no command while the stack runs. */
const FOLDERS_OF_DRAFTS = ['', 'secrets', 'redis', 'nats'];
/** A process that was just forked holds the lock of its killed parent until it executes its own program. */
const LOCK_WAIT_MS = 1_000;
const LOCK_EVERY_MS = 50;
/** Digits of the largest process id, 2^22, and some. */
const LONGEST_PID = 10;

/** Throws a one-line error if the folder can't be used or a stack runs there. */
export async function claimDataFolder(dataDir: string) {
  try {
    makeFolder(dataDir);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the data folder ${dataDir} cannot be used: ${why}; choose another with DATA_DIR`);
  }
  assertOwnFolders(dataDir);
  const path = stackLockPath(dataDir);
  const lock = await lockFile(path);
  if (lock === undefined) {
    const holder = await readHolder(path);
    throw new Error(
      `a stack already runs in ${dataDir} (process ${holder}): stop it, or set DATA_DIR and the ports`,
    );
  }
  const mark = openSync(path, 'r+');
  // In one write, over the number of the holder before: another start may read it at any moment.
  writeSync(mark, String(process.pid).padEnd(LONGEST_PID), 0);
  removeDrafts(dataDir);
  return {
    /** The descriptor that each process of the stack inherits. It is open for writing, which no other descriptor of the file is. */
    mark,
    release(): void {
      closeSync(mark);
      closeSync(lock);
    },
  };
}

/** Node's recursive mkdir retries for minutes below /proc, and reports a read-only disk as a missing file. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another start may have created it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Throws if a folder belongs to another user: one of the two users could not read the files of the other. */
function assertOwnFolders(dataDir: string): void {
  const own = process.getuid?.();
  // Files that root writes into another user's folder are given to that user, so root needs a data folder of its own.
  const names = own === 0 ? ['', ...FOLDERS] : FOLDERS;
  for (const path of names.map((name) => join(dataDir, name))) {
    const owner = statSync(path, { throwIfNoEntry: false })?.uid ?? own;
    if (owner === own) continue;
    throw new Error(
      `${path} belongs to user ${owner} and this is user ${own}: start as that user, or choose another folder with DATA_DIR`,
    );
  }
}

/** Returns the locked descriptor, or undefined if another process holds the lock. */
async function lockFile(path: string): Promise<number | undefined> {
  const giveUpAtMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const locked = tryLockFile(path);
    if (locked !== undefined || performance.now() > giveUpAtMs) return locked;
    await new Promise((resolve) => setTimeout(resolve, LOCK_EVERY_MS));
  }
}

/** A start writes its number just after it took the lock; until then the file has that of the holder before, which has ended. */
async function readHolder(path: string): Promise<string> {
  const giveUpAtMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const holder = readFileSync(path, 'utf8').trim();
    if (holder !== '' && isRunning(Number(holder))) return holder;
    if (performance.now() > giveUpAtMs) return holder || 'unknown';
    await new Promise((resolve) => setTimeout(resolve, LOCK_EVERY_MS));
  }
}

/** Removes the temporary files of writes that were killed. */
function removeDrafts(dataDir: string): void {
  for (const folder of FOLDERS_OF_DRAFTS.map((name) => join(dataDir, name))) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const name of readdirSync(folder).filter(isDraft)) rmSync(join(folder, name), { force: true });
  }
}
