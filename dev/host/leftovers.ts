/**
 * Processes that a killed supervisor left behind. Each of them holds the lock file of its data folder open for writing. They are
 * ended before a new stack starts on the same data.
 */
import { holdersOf } from '../../services/shared/files/open-files.ts';
import { commandLineOf, isRunning, parentOf, signalProcess } from './process-table.ts';

/** Postgres may need to write a large checkpoint before it ends. */
const FORCE_AFTER_MS = 12_000;
/** A process that still runs this long after SIGKILL is blocked by a disk that does not answer. */
const GIVE_UP_AFTER_MS = FORCE_AFTER_MS + 10_000;
const CHECK_EVERY_MS = 25;

/** The processes of the stack with this lock file, without this process. */
export function processesOfStack(lockPath: string): number[] {
  return holdersOf(lockPath)
    .filter(({ pid, canWrite }) => canWrite && pid !== process.pid && isRunning(pid))
    .map(({ pid }) => pid);
}

/** Ends all of them, with SIGKILL if a signal to end does not help. Returns how many were signalled. */
export async function endLeftovers(lockPath: string): Promise<number> {
  const startedAtMs = performance.now();
  const signalled = new Set<number>();
  for (;;) {
    // Listed again each time: a process that is ending may start another, as initdb does.
    const left = processesOfStack(lockPath);
    if (left.length === 0) return signalled.size;
    const waitedMs = performance.now() - startedAtMs;
    if (waitedMs > GIVE_UP_AFTER_MS) {
      throw new Error(`these processes of a stack that was killed do not end: ${left.join(', ')}`);
    }
    for (const pid of left) {
      if (waitedMs > FORCE_AFTER_MS) signalProcess(pid, 'SIGKILL');
      // Children of Postgres are left to it: it ends them in its own order.
      else if (!signalled.has(pid) && !left.includes(parentOf(pid) ?? 0)) {
        signalled.add(pid);
        signalProcess(pid, signalFor(pid));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
  }
}

/** Our own processes may be killed at any moment, and the servers that they drain to may be gone. Servers shut down cleanly. */
function signalFor(pid: number): NodeJS.Signals {
  return commandLineOf(pid)[1]?.endsWith('/main.ts') ? 'SIGKILL' : 'SIGINT';
}
