/**
 * Writes the JSON lines of one process to a log file of bounded size and passes its errors on in short form. The file is opened for
 * each piece of output, so a file that was removed, or that could not be written for a while, is created again by the next
 * piece. Lines that could not be written are counted, and the first line after them reports their number.
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

/** A file that would grow larger becomes <name>.log.1, and the number of each older file grows by one. */
export const LOG_FILE_MAX_BYTES = 10 * 1024 * 1024;
/** The number of older files of a process. With the current one they take 40 MiB a process. */
export const LOG_FILES_KEPT = 3;
/** A longer line is split. */
const LONGEST_LINE_CHARACTERS = 64 * 1024;

export type LogFile = ReturnType<typeof openLogFile>;

/** `onError` gets each error that the process logs, as one short line. */
export function openLogFile(dir: string, name: string, onError: (line: string) => void) {
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
    write(lines.map((line) => toJson(name, line)));
    for (const line of lines) {
      const short = shortError(line);
      if (short !== undefined) onError(short);
    }
  };
  return {
    path,
    /** Writes everything that the stream yields. */
    take(stream: Readable): void {
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

/** Appends the whole text or nothing. */
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

/**
 * A process logs JSON. Text comes from Node itself, such as a program that cannot be loaded or memory that has run out, and
 * becomes a line of JSON as well, so that each line of the file can be parsed.
 */
export function toJson(service: string, line: string): string {
  if (line.startsWith('{') && line.endsWith('}')) return line;
  return JSON.stringify({ level: 'error', time: new Date().toISOString(), service, msg: line });
}

function describeLost(service: string, lines: number): string {
  const time = new Date().toISOString();
  return JSON.stringify({ level: 'warn', time, service, lines, msg: 'lines of this log were lost' });
}

/** Returns "could not start: AUTH_PORT must be …" for a line that reports an error, undefined for any other line. */
export function shortError(line: string): string | undefined {
  // Node prints this itself if it can't load a program.
  if (/^\w*Error\b/.test(line)) return line;
  if (!line.startsWith('{"level":"error"') && !line.startsWith('{"level":"fatal"')) return undefined;
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((part) => part !== undefined && part !== '').join(': ');
  } catch {
    return undefined;
  }
}
