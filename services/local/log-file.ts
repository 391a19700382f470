/** One process's JSON lines: kept in a file, and its errors told in short form. */
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** A file that is larger than this at a start becomes <name>.log.1, in place of the one before. */
const ROTATE_AT_BYTES = 10 * 1024 * 1024;
/** A line without an end is cut here. */
const LONGEST_LINE_CHARACTERS = 64 * 1024;

export interface LogFile {
  readonly path: string;
  /** Writes all that comes; errors that the process logs are given to `onError` as one short line. */
  take(stream: Readable): void;
  close(): Promise<void>;
}

export function openLogFile(dir: string, name: string, onError: (line: string) => void): LogFile {
  const path = join(dir, `${name}.log`);
  if (existsSync(path) && statSync(path).size > ROTATE_AT_BYTES) renameSync(path, `${path}.1`);
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 });
  // A full disk must not end the supervisor.
  file.on('error', (error) => onError(`its log can't be written: ${error.message}`));
  return {
    path,
    take(stream) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        file.write(chunk);
        const lines = (rest + chunk).split('\n');
        rest = (lines.pop() ?? '').slice(-LONGEST_LINE_CHARACTERS);
        for (const line of lines) {
          const short = shortError(line);
          if (short !== undefined) onError(short);
        }
      });
    },
    close: () => new Promise((resolve) => file.end(resolve)),
  };
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
