/** What the system knows about a process id. The system reuses process ids, so an id alone identifies nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';

const HAS_PROC = existsSync('/proc/self/stat');

/** Whether the id is in use, also by a zombie: a process that has ended and that its parent has not yet collected. */
export function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function isRunning(pid: number): boolean {
  return isTaken(pid) && !/\) Z/.test(readProc(pid, 'stat'));
}

/** The words of the command line; empty if the process has ended. Without /proc, a word with spaces is split. */
export function commandLineOf(pid: number): string[] {
  if (HAS_PROC) return readProc(pid, 'cmdline').split('\0').slice(0, -1);
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(' ');
  } catch {
    return [];
  }
}

/** The ids of all processes; empty without /proc. */
export function listProcesses(): number[] {
  return HAS_PROC
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : [];
}

/** The id of the parent; undefined without /proc. */
export function parentOf(pid: number): number | undefined {
  const parent = /\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Whether the folder is the working folder of the process, by any path; undefined if the system does not say. */
export function worksIn(pid: number, folder: string): boolean | undefined {
  const { dev, ino } = statSync(folder);
  const link = `/proc/${pid}/cwd`;
  try {
    const other = statSync(link);
    return other.dev === dev && other.ino === ino;
  } catch {
    const answer = statAsOwner(pid, link);
    return answer === undefined ? undefined : answer === `${dev}:${ino}`;
  }
}

/** In a container root may lack the right to inspect another user's process (CAP_SYS_PTRACE). That user has the right. */
function statAsOwner(pid: number, link: string): string | undefined {
  try {
    const { uid, gid } = statSync(`/proc/${pid}`);
    const options = { uid, gid, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('stat', ['-L', '-c', '%d:%i', link], options).trim();
  } catch {
    return undefined;
  }
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}

function readProc(pid: number, part: 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${part}`, 'utf8');
  } catch {
    return '';
  }
}
