/** Standard output that is known to be written: a value that could not be printed is a failure, never a silent success. */
import { once } from 'node:events';
import { constants, existsSync, fstatSync, readFileSync, statSync } from 'node:fs';
import type { Writable } from 'node:stream';

const STDOUT = 1;
const STDOUT_STATE = '/proc/self/fdinfo/1';
const ACCESS_MODE = 3;

export interface Output {
  write(text: string): Promise<void>;
  /** False when standard output was closed before the command began. */
  isOpen(): boolean;
}

/** `end` is called when a write fails: without a message when the reader has had enough, as "head" does. */
export function createOutput(
  stdout: Writable,
  end: (message: string | undefined, code: number) => void,
): Output {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    end(error.code === 'EPIPE' ? undefined : `standard output: ${error.message}`, 1);
  });
  return {
    async write(text) {
      if (!stdout.write(text)) await once(stdout, 'drain');
    },
    isOpen: () => !isReplacedByNode(),
  };
}

/**
 * Node opens /dev/null for reading and writing in place of a standard output that is closed. A shell opens it for writing
 * alone, so ">/dev/null" is told apart. Only Linux tells how a file was opened.
 */
function isReplacedByNode(): boolean {
  if (!existsSync(STDOUT_STATE)) return false;
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(STDOUT_STATE, 'utf8'))?.[1] ?? '0';
  const isNull = fstatSync(STDOUT).rdev === statSync('/dev/null').rdev;
  return isNull && (Number.parseInt(flags, 8) & ACCESS_MODE) === constants.O_RDWR;
}
