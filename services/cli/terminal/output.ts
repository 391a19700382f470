/** Standard output whose failures are noticed: a value that could not be printed is a failure, never a silent success. */
import { once } from 'node:events';
import { constants, existsSync, fstatSync, readFileSync, statSync } from 'node:fs';
import type { Writable } from 'node:stream';

const STDOUT = 1;
const STDOUT_STATE = '/proc/self/fdinfo/1';
const ACCESS_MODE = 3;

export interface Output {
  write(text: string): Promise<void>;
  /** False if standard output was closed before the command started. */
  isOpen(): boolean;
}

export type Write = Output['write'];

/** Calls `end` when a write fails, without a message if the reader closed the pipe early, as "head" does. */
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
 * If standard output is closed, Node opens /dev/null for reading and writing in its place. A shell opens /dev/null for writing
 * only, so the access mode distinguishes the two. Only Linux reports the access mode.
 */
function isReplacedByNode(): boolean {
  if (!existsSync(STDOUT_STATE)) return false;
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(STDOUT_STATE, 'utf8'))?.[1] ?? '0';
  const isNull = fstatSync(STDOUT).rdev === statSync('/dev/null').rdev;
  return isNull && (Number.parseInt(flags, 8) & ACCESS_MODE) === constants.O_RDWR;
}
