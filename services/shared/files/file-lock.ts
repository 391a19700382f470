/**
 * flock(2) on a file or folder: one process holds it, and the kernel releases it whenever its holder ends. The lock belongs to the
 * open file, so it stays with our descriptor when the command that takes it has ended; closing the descriptor gives it back.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** On macOS open(2) takes the lock. */
const O_EXLOCK_MACOS = 0x20;
/** The exit code of flock if another process holds the lock. */
const IS_LOCKED = 1;
const MACOS_RETRY_MS = 15;
const OWNER_ONLY_FILE = 0o600;

/** Returns the locked descriptor, or undefined if another process holds the lock. Creates a file that is missing. */
export function tryLockFile(path: string): number | undefined {
  if (process.platform !== 'linux') return lockByOpening(path, constants.O_CREAT);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_CREAT, OWNER_ONLY_FILE);
  const { status, error, stderr } = spawnSync('flock', ['-n', '-x', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    encoding: 'utf8',
  });
  return settle(path, descriptor, { status, words: error?.message ?? stderr });
}

/** The same of a folder, for which it waits. Undefined if others hold the lock for so long. */
export async function lockFolder(path: string, limitMs: number): Promise<number | undefined> {
  if (process.platform !== 'linux') return lockFolderByOpening(path, limitMs);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const child = spawn('flock', ['-x', '-w', String(limitMs / 1_000), '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      words = error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  return settle(path, descriptor, { status, words });
}

function settle(
  path: string,
  descriptor: number,
  { status, words }: { status: number | null; words: string },
): number | undefined {
  if (status === 0) return descriptor;
  closeSync(descriptor);
  if (status === IS_LOCKED) return undefined;
  throw new Error(`flock of util-linux cannot lock ${path}: ${words.trim()}`);
}

async function lockFolderByOpening(path: string, limitMs: number): Promise<number | undefined> {
  const giveUpAtMs = performance.now() + limitMs;
  for (;;) {
    const locked = lockByOpening(path, 0);
    if (locked !== undefined || performance.now() > giveUpAtMs) return locked;
    await delay(MACOS_RETRY_MS);
  }
}

function lockByOpening(path: string, flags: number): number | undefined {
  const { O_RDONLY, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_RDONLY | O_NONBLOCK | O_EXLOCK_MACOS | flags, OWNER_ONLY_FILE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}
