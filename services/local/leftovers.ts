/** Processes of a stack whose supervisor was killed hard. They are ended before a new one starts on the same data. */
import { join } from 'node:path';
import type { StackFile } from '../shared/stack-file.ts';
import {
  describeProcess,
  isRunning,
  listProcesses,
  parentOf,
  signalProcess,
  workingFolder,
} from './process-table.ts';
import { STACK_MARK } from './units.ts';

/** Postgres may write a large checkpoint before it ends. */
const FORCE_AFTER_MS = 12_000;
const LOOK_EVERY_MS = 25;

/** True when this number is a supervisor at work, and not a stranger or ourselves under a number used before. */
export function isSupervisor(pid: number): boolean {
  return (
    pid !== process.pid && isRunning(pid) && /^\S+ \S*services\/local\/main\.ts /.test(describeProcess(pid))
  );
}

/** True when the stack of this data folder started it. */
export function belongsToStack(pid: number, dataDir: string): boolean {
  const words = describeProcess(pid);
  if (words.includes(`${STACK_MARK}=${dataDir} `)) return true;
  // Redis writes its title over its environment; it is known by the folder that it works in.
  return words.startsWith('redis-server ') && workingFolder(pid) === join(dataDir, 'redis');
}

function leftoversOf(dataDir: string, file: StackFile): number[] {
  // The list of all finds one that was started in the moment before its number would have been written down.
  const pids = new Set([...listProcesses(), ...Object.values(file.processes).map(({ pid }) => pid)]);
  const ours = [...pids].filter((pid) => pid !== process.pid && belongsToStack(pid, dataDir));
  // Postgres ends its own children, in its own order.
  return ours.filter((pid) => !ours.includes(parentOf(pid) ?? 0));
}

/** Ends them all, by force where asking does not help, and gives back how many there were. */
export async function endLeftovers(dataDir: string, file: StackFile): Promise<number> {
  const found = leftoversOf(dataDir, file);
  // Our own processes are made to crash at any moment, and what drains them may be half gone; servers end in good order.
  const isOurCode = (pid: number) => /^\S+ \S+\/main\.ts /.test(describeProcess(pid));
  for (const pid of found) signalProcess(pid, isOurCode(pid) ? 'SIGKILL' : 'SIGTERM');
  const forceAtMs = performance.now() + FORCE_AFTER_MS;
  for (;;) {
    const left = found.filter(isRunning);
    if (left.length === 0) return found.length;
    if (performance.now() > forceAtMs) for (const pid of left) signalProcess(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
