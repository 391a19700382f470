/**
 * Where log lines go: standard output, whatever is behind it. Logging neither holds up the process nor ends it: a pipe that
 * nobody reads costs lines once a fixed amount waits, and so does a disk that is full. The next line that gets through is
 * followed by one that tells how many were lost.
 */
import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

export interface LogOutput {
  /** Takes one line with its end; never blocks on a pipe, never throws. */
  write(line: string): void;
}

/** What may wait for a reader: a minute of a busy process's lines. */
export const LOG_WAITING_MAX_BYTES = 1024 * 1024;
const STANDARD_OUTPUT = 1;

/** `describeLost` makes the line about the lost ones. */
export function openLogOutput(describeLost: (lines: number) => string): LogOutput {
  const isWritten = isPipe(STANDARD_OUTPUT) ? pipeWriter(STANDARD_OUTPUT) : fileWriter(STANDARD_OUTPUT);
  let lost = 0;
  return {
    write(line) {
      if (!isWritten(line)) {
        lost += 1;
        return;
      }
      if (lost > 0 && isWritten(describeLost(lost))) lost = 0;
    },
  };
}

/** Answers whether the line was taken. */
type Writer = (line: string) => boolean;

function isPipe(descriptor: number): boolean {
  const kind = fstatSync(descriptor);
  return kind.isFIFO() || kind.isSocket();
}

/** Writes at once what the pipe takes, and keeps the rest until it takes more. */
function pipeWriter(fd: number): Writer {
  const pipe = new Socket({ fd, readable: false, writable: true });
  // The reader has gone: there is nobody to tell.
  pipe.on('error', () => {});
  // What waits for a reader keeps no process alive.
  pipe.unref();
  return (line) => {
    if (pipe.destroyed || pipe.writableLength > LOG_WAITING_MAX_BYTES) return false;
    pipe.write(line);
    return true;
  };
}

/** Files and terminals take a line at once or not at all. */
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
