/**
 * Which processes have a file open, according to the kernel. Unlike a process id, a command line or a path, an open file can't
 * be confused with another: it is compared by device and inode. Only root sees the processes of other users.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename } from 'node:path';

export interface FileHolder {
  readonly pid: number;
  readonly canWrite: boolean;
}

const HAS_PROC = existsSync('/proc/self/fd');
const OWNER_WRITE = 0o200;

/** Empty when there is no such file. */
export function holdersOf(path: string): FileHolder[] {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return [];
  return HAS_PROC ? holdersInProc(basename(path), file) : holdersByLsof(path);
}

function holdersInProc(name: string, file: Stats): FileHolder[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const links = linksTo(`/proc/${pid}/fd`, name, file);
      if (links.length === 0) return [];
      return [{ pid: Number(pid), canWrite: links.some(({ mode }) => (mode & OWNER_WRITE) !== 0) }];
    });
}

/** A process may end, or close a file, while it is inspected. */
function linksTo(folder: string, name: string, { dev, ino }: Stats): Stats[] {
  return attempt(() => readdirSync(folder), []).flatMap((entry) => {
    const link = `${folder}/${entry}`;
    return attempt(() => {
      // The name first: stat could hang on a file of a network disk that does not answer.
      if (!readlinkSync(link).endsWith(`/${name}`)) return [];
      const target = statSync(link);
      return target.dev === dev && target.ino === ino ? [lstatSync(link)] : [];
    }, []);
  });
}

function attempt<Value>(look: () => Value, otherwise: Value): Value {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

function holdersByLsof(path: string): FileHolder[] {
  try {
    return parseLsof(execFileSync('lsof', ['-F', 'pa', '--', path], { encoding: 'utf8', stdio: 'pipe' }));
  } catch (error) {
    // Exit code 1: no process has it open.
    if ((error as { status?: number | null }).status === 1) return [];
    throw error;
  }
}

/** A line "pNUMBER" for each process, and after it a line "aMODE" (r, w or u) for each of its descriptors. */
export function parseLsof(output: string): FileHolder[] {
  return output
    .split(/^p/m)
    .slice(1)
    .map((part) => ({ pid: Number.parseInt(part, 10), canWrite: /^a[wu]/m.test(part) }));
}
