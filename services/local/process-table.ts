/** What the system knows about a process by its number. Numbers are used again, so a number alone proves nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const HAS_PROC = existsSync('/proc/self/environ');

/** False as well for one that has ended and only waits for its parent to notice. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !/\) Z/.test(readProc(pid, 'stat'));
}

/** Its command line and environment as far as we may see them, each part followed by a space; empty when it has ended. */
export function describeProcess(pid: number): string {
  if (HAS_PROC) return (readProc(pid, 'cmdline') + readProc(pid, 'environ')).replaceAll('\0', ' ');
  try {
    return `${execFileSync('ps', ['eww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim()} `;
  } catch {
    return '';
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

/** Undefined where the system does not tell. */
export function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
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

function readProc(pid: number, part: 'cmdline' | 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${part}`, 'utf8');
  } catch {
    return '';
  }
}
