/** Holds a process and all that it started, as a machine under memory pressure or a paused container does. */
import { readdirSync, readFileSync } from 'node:fs';

export function pauseProcess(pid: number): void {
  // The parent first, so that it starts no more children meanwhile.
  process.kill(pid, 'SIGSTOP');
  for (const child of childrenOf(pid)) signalIfThere(child, 'SIGSTOP');
}

export function resumeProcess(pid: number): void {
  for (const child of childrenOf(pid)) signalIfThere(child, 'SIGCONT');
  process.kill(pid, 'SIGCONT');
}

/** A process and its children, itself first. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid)];
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces; after it come the state and the parent.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It has just ended.
    return undefined;
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
