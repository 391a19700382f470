/**
 * Processes that a killed supervisor left behind. They are known by the lock file of their data folder, which each holds open
 * for writing, and are ended before anything new starts on the same data.
 */
import { holdersOf } from '../services/shared/files/open-files.ts';
import { commandLineOf, isRunning, parentOf, signalProcess } from './host/process-table.ts';

/** Postgres may write a large checkpoint before it ends. */
const FORCE_AFTER_MS = 12_000;
/** One that still runs this long after SIGKILL waits for a disk that does not answer. */
const GIVE_UP_AFTER_MS = FORCE_AFTER_MS + 10_000;
const LOOK_EVERY_MS = 25;

/** Everything that runs as part of the stack with this lock file, but for this process. */
export function processesOfStack(lockPath: string): number[] {
  return holdersOf(lockPath)
    .filter(({ pid, canWrite }) => canWrite && pid !== process.pid && isRunning(pid))
    .map(({ pid }) => pid);
}

/** Ends them all, by force where asking does not help. Returns how many were asked. */
export async function endLeftovers(lockPath: string): Promise<number> {
  const startedAtMs = performance.now();
  const asked = new Set<number>();
  for (;;) {
    // Each time anew: one that is ending may still start another, as initdb does.
    const left = processesOfStack(lockPath);
    if (left.length === 0) return asked.size;
    const waitedMs = performance.now() - startedAtMs;
    if (waitedMs > GIVE_UP_AFTER_MS) {
      throw new Error(`processes of a stack that was killed do not end: ${left.join(', ')}`);
    }
    for (const pid of left) {
      if (waitedMs > FORCE_AFTER_MS) signalProcess(pid, 'SIGKILL');
      // Postgres ends its own children, in its own order.
      else if (!asked.has(pid) && !left.includes(parentOf(pid) ?? 0)) {
        asked.add(pid);
        signalProcess(pid, signalFor(pid));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Our own processes are made to crash at any moment, and what drains them may be gone; servers end in good order. */
function signalFor(pid: number): NodeJS.Signals {
  return commandLineOf(pid)[1]?.endsWith('/main.ts') ? 'SIGKILL' : 'SIGINT';
}
