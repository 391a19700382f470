/**
 * The data folder of a stack: made when it is missing, refused when this user cannot work in it, and locked while a stack runs
 * there. The lock is flock(2) on DATA_DIR/stack.lock, which the kernel releases when its holder dies, however it dies. All that
 * the stack starts inherits a descriptor of the same file: by it, a later start finds what a killed supervisor left behind.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isDraft } from '../../services/shared/files/replace-file.ts';
import { stackLockPath } from '../../services/shared/identity/stack-file.ts';

export interface DataFolderLock {
  /** The descriptor that each process of the stack inherits, open for writing; nothing else opens the file so. */
  readonly mark: number;
  release(): void;
}

/** What a stack makes in there, by one user. */
const FOLDERS = ['secrets', 'postgres', 'redis', 'nats', 'auth-keys', 'certificates', 'logs'];
/** Those that a command line beside the stack writes nothing into. */
const FOLDERS_OF_DRAFTS = ['', 'secrets', 'redis', 'nats'];
/** A process that was just forked holds the lock of its killed parent until it runs its own program. */
const LOCK_WAIT_MS = 1_000;
const LOCK_EVERY_MS = 50;
/** open(2) of macOS takes the lock itself. */
const O_EXLOCK_MACOS = 0x20;
/** Exit code of flock: another process holds the lock. */
const IS_LOCKED = 1;

/** Throws one line when the folder cannot be used, or when a stack runs there. */
export async function claimDataFolder(dataDir: string): Promise<DataFolderLock> {
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
    throw new Error(
      `a stack runs in ${dataDir} already (process ${readFileSync(path, 'utf8')}): stop it, or set DATA_DIR and the ports`,
    );
  }
  const mark = openSync(path, 'r+');
  ftruncateSync(mark);
  writeSync(mark, String(process.pid));
  removeDrafts(dataDir);
  return {
    mark,
    release() {
      closeSync(mark);
      closeSync(lock);
    },
  };
}

/** Node's own recursive mkdir repeats for minutes below /proc, and reports a read-only disk as a missing file. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another start may make it in the same moment.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Files made by another user could not be read, or those made now could not be read by that user later. */
function assertOwnFolders(dataDir: string): void {
  const own = process.getuid?.();
  // What root makes in another user's folder is given to that user.
  const names = own === 0 ? ['', ...FOLDERS] : FOLDERS;
  for (const path of names.map((name) => join(dataDir, name))) {
    const owner = statSync(path, { throwIfNoEntry: false })?.uid ?? own;
    if (owner === own) continue;
    throw new Error(
      `${path} belongs to user ${owner} and this is user ${own}: start as that user, or choose another folder with DATA_DIR`,
    );
  }
}

/** The locked descriptor; undefined while another process holds the lock. */
async function lockFile(path: string): Promise<number | undefined> {
  const giveUpAtMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const locked = process.platform === 'linux' ? lockByCommand(path) : lockByOpening(path);
    if (locked !== undefined || performance.now() > giveUpAtMs) return locked;
    await new Promise((resolve) => setTimeout(resolve, LOCK_EVERY_MS));
  }
}

/** The lock belongs to the open file, which the command inherits from us: it stays with our descriptor when the command ends. */
function lockByCommand(path: string): number | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o600);
  const { status, error, stderr } = spawnSync('flock', ['-n', '-x', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    encoding: 'utf8',
  });
  if (status === 0) return descriptor;
  closeSync(descriptor);
  if (status === IS_LOCKED) return undefined;
  throw new Error(`${path} cannot be locked by flock of util-linux: ${error?.message ?? stderr.trim()}`);
}

function lockByOpening(path: string): number | undefined {
  const { O_RDONLY, O_CREAT, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_RDONLY | O_CREAT | O_NONBLOCK | O_EXLOCK_MACOS, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

/** What a write that was killed left behind. */
function removeDrafts(dataDir: string): void {
  for (const folder of FOLDERS_OF_DRAFTS.map((name) => join(dataDir, name))) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const name of readdirSync(folder).filter(isDraft)) rmSync(join(folder, name), { force: true });
  }
}
