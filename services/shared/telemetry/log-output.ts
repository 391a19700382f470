/**
 * Writes log lines to standard output without blocking or ending the process. When a pipe is not read, lines are lost once a
 * fixed amount waits, and likewise when a disk is full. The next line that is written is followed by one with the number of
 * lost lines.
 */
import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Bytes that may wait for a reader: a minute of a busy process's lines. */
export const LOG_WAITING_MAX_BYTES = 1024 * 1024;
const STANDARD_OUTPUT = 1;

/** `describeLost` returns the line about lost lines. */
export function openLogOutput(describeLost: (lines: number) => string) {
  const isWritten = isPipe(STANDARD_OUTPUT) ? pipeWriter(STANDARD_OUTPUT) : fileWriter(STANDARD_OUTPUT);
  let lost = 0;
  return {
    /** Takes one line with its line end. Never blocks on a pipe, never throws. */
    write(line: string): void {
      if (!isWritten(line)) {
        lost += 1;
        return;
      }
      if (lost > 0 && isWritten(describeLost(lost))) lost = 0;
    },
  };
}

/** Returns whether the line was taken. */
type Writer = (line: string) => boolean;

function isPipe(descriptor: number): boolean {
  const kind = fstatSync(descriptor);
  return kind.isFIFO() || kind.isSocket();
}

/** Writes at once what the pipe accepts, and keeps the rest until it accepts more. */
function pipeWriter(fd: number): Writer {
  const pipe = new Socket({ fd, readable: false, writable: true });
  // The reader has closed the pipe: there is nothing to write to.
  pipe.on('error', () => {});
  // Waiting bytes keep no process alive.
  pipe.unref();
  return (line) => {
    if (pipe.destroyed || pipe.writableLength > LOG_WAITING_MAX_BYTES) return false;
    pipe.write(line);
    return true;
  };
}

/** Files and terminals accept a line at once or not at all. */
function fileWriter(fd: number): Writer {
  return (line) => {
    try {
      writeSync(fd, line);
      return true;
    } catch {
      return false;
    }
  };
}
