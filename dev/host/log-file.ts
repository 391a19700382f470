/**
 * One process's JSON lines: kept in a file of bounded size, and its errors told in short form. The file is opened anew for each
 * piece of output: one that was removed, or that could not be written for a while, is simply there again with the next piece.
 * Lines that could not be written are counted, and their number is the first line after them.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** A file that would grow beyond this becomes <name>.log.1, and the ones before move on by a number. */
export const LOG_FILE_MAX_BYTES = 10 * 1024 * 1024;
/** Older files of a process: with the one in use, 40 MiB a process. */
export const LOG_FILES_KEPT = 3;
/** A line longer than this is cut into several. */
const LONGEST_LINE_CHARACTERS = 64 * 1024;

export interface LogFile {
  readonly path: string;
  /** Writes all that comes; errors that the process logs are given to `onError` as one short line. */
  take(stream: Readable): void;
}

export function openLogFile(dir: string, name: string, onError: (line: string) => void): LogFile {
  const path = join(dir, `${name}.log`);
  let lost = 0;
  const write = (lines: readonly string[]) => {
    const notice = lost === 0 ? [] : [describeLost(name, lost)];
    try {
      appendWhole(path, `${[...notice, ...lines].join('\n')}\n`);
      lost = 0;
    } catch (error) {
      // A full disk must not end the supervisor.
      if (lost === 0) onError(`its log cannot be written: ${String(error)}`);
      lost += lines.length;
    }
  };
  const takeLines = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    write(lines);
    for (const line of lines) {
      const short = shortError(line);
      if (short !== undefined) onError(short);
    }
  };
  return {
    path,
    take(stream) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > LONGEST_LINE_CHARACTERS) {
          lines.push(rest);
          rest = '';
        }
        takeLines(lines);
      });
      stream.once('end', () => takeLines(rest === '' ? [] : [rest]));
    },
  };
}

/** Appends all of the text or nothing of it. */
function appendWhole(path: string, text: string): void {
  const bytes = Buffer.from(text);
  const present = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (present > 0 && present + bytes.length > LOG_FILE_MAX_BYTES) rotate(path);
  const file = openSync(path, 'a', 0o600);
  try {
    const { size } = fstatSync(file);
    try {
      appendFileSync(file, bytes);
    } catch (error) {
      if (fstatSync(file).size > size) ftruncateSync(file, size);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

function rotate(path: string): void {
  rmSync(`${path}.${LOG_FILES_KEPT}`, { force: true });
  for (let number = LOG_FILES_KEPT - 1; number >= 0; number -= 1) {
    const from = number === 0 ? path : `${path}.${number}`;
    if (existsSync(from)) renameSync(from, `${path}.${number + 1}`);
  }
}

function describeLost(service: string, lines: number): string {
  const time = new Date().toISOString();
  return JSON.stringify({ level: 'warn', time, service, lines, msg: 'lines of this log were lost' });
}

/** "could not start: AUTH_PORT must be …" of a line that tells of an error; undefined of any other line. */
export function shortError(line: string): string | undefined {
  // Node's own words about a process that it could not even begin.
  if (/^\w*Error\b/.test(line)) return line;
  if (!line.startsWith('{"level":"error"') && !line.startsWith('{"level":"fatal"')) return undefined;
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((part) => part !== undefined && part !== '').join(': ');
  } catch {
    return undefined;
  }
}
