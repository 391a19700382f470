/**
 * A file system of its own that can be filled to the last byte and freed again. It needs the right to mount, as root has it:
 * where that is refused, the error says why.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

export interface SmallDisk {
  /** Takes all the room that is left. What was freed since the last time is taken as well. */
  fill(): Promise<void>;
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
    async fill() {
      const file = await open(ballast, 'a');
      for (let bytes = MEGABYTE; bytes >= SMALLEST_PIECE; bytes /= 2) {
        while (await isWritten(file, Buffer.alloc(bytes)));
      }
      await file.close();
    },
    free: () => rmSync(ballast, { force: true }),
    // Also when a process still has a file open there.
    unmount: () => run('umount', ['--lazy', folder]),
  };
}

/** False when there is no room for it. */
async function isWritten(file: FileHandle, bytes: Buffer): Promise<boolean> {
  try {
    return (await file.write(bytes)).bytesWritten === bytes.length;
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
