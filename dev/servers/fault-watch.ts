/**
 * Finds out that a process runs on and has a fault that only a new start mends, and ends it. A fault must last: a stall of a
 * moment ends nothing, and neither does a process that gives no answer at all, since it may be held or just slow.
 */
import { pause } from '../host/pause.ts';

export interface Faultable {
  /** The fault that a new start would mend; undefined without one, or when that can not be told. Never rejects. */
  findFault?(): Promise<string | undefined>;
  /** At once: it may be unable to end in good order. */
  kill?(signal: 'SIGKILL'): void;
}

const LOOK_EVERY_MS = 1_000;
/** Two looks that each wait for an answer, so that no stall is taken for a fault. */
const LASTS_MS = 4_000;
/** A fault that a new start did not mend is left alone for longer each time. */
const LASTS_MAX_MS = 60_000;

/** For one process after the other. Each call resolves with the fault for which it ended its process, or when the signal aborts. */
export function createFaultWatch(): (process: Faultable, signal: AbortSignal) => Promise<string | undefined> {
  let lastsMs = LASTS_MS;
  return async (process, signal) => {
    let sinceMs: number | undefined;
    while (process.findFault !== undefined) {
      await pause(LOOK_EVERY_MS, signal);
      if (signal.aborted) return undefined;
      const lookedAtMs = performance.now();
      const fault = await process.findFault();
      if (fault === undefined) {
        lastsMs = LASTS_MS;
        sinceMs = undefined;
        continue;
      }
      sinceMs ??= lookedAtMs;
      if (performance.now() - sinceMs < lastsMs || signal.aborted) continue;
      lastsMs = Math.min(lastsMs * 2, LASTS_MAX_MS);
      process.kill?.('SIGKILL');
      return fault;
    }
    return undefined;
  };
}
