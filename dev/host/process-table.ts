/** What the system knows about a process by its number. Numbers are used again, so a number alone proves nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';

const HAS_PROC = existsSync('/proc/self/stat');

/** Whether the number is in use, be it by one that has ended and only waits for its parent to notice. */
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

/** Its command line, word by word; empty when it has ended. Where there is no /proc, a word with spaces counts as several. */
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

/** All processes, where the system lists them as files. */
export function listProcesses(): number[] {
  return HAS_PROC
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : [];
}

/** Undefined where the system does not tell. */
export function parentOf(pid: number): number | undefined {
  const parent = /\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Whether it works in this folder, by whatever path; undefined where the system does not tell. */
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

/** In a container root may lack the right to look at another user's process (CAP_SYS_PTRACE); that user has it. */
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
    // It ended in this moment.
  }
}

function readProc(pid: number, part: 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${part}`, 'utf8');
  } catch {
    return '';
  }
}
