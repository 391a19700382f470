/**
 * A file system of its own that can be filled to the last byte and freed again. It needs the right to mount, as root has it:
 * where that is refused, the error says why.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  /** Takes all the room that is left. What was freed since the last time is taken as well. */
  fill(): void;
  free(): void;
  unmount(): void;
}

const MEGABYTE = 1024 * 1024;
const SMALLEST_PIECE = 1024;

export function mountSmallDisk(folder: string, megabytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder]);
  const ballast = join(folder, 'ballast');
  return {
    fill() {
      const file = openSync(ballast, 'a');
      for (let bytes = MEGABYTE; bytes >= SMALLEST_PIECE; bytes /= 2) {
        while (isWritten(file, Buffer.alloc(bytes)));
      }
      closeSync(file);
    },
    free: () => rmSync(ballast, { force: true }),
    // Also when a process still has a file open there.
    unmount: () => run('umount', ['--lazy', folder]),
  };
}

/** False when there is no room for it. */
function isWritten(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: 'pipe' });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new Error(`${command} ${args.join(' ')}: ${stderr?.toString().trim() || message}`, {
      cause: error,
    });
  }
}
