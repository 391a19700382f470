/**
 * Kills a running process that has a fault which only a restart repairs. The fault must last: a short stall does not count. A
 * process that does not answer at all is left alone, since it may be paused or slow.
 */
import { pause } from '../host/pause.ts';

export interface Faultable {
  /** Returns the fault that a restart would repair; undefined if there is none or it can't be determined. Never rejects. */
  findFault?(): Promise<string | undefined>;
  /** Kills the process at once: with a fault it may be unable to shut down cleanly. */
  kill?(signal: 'SIGKILL'): void;
}

/** A check costs the server a connection. */
const CHECK_EVERY_MS = 2_000;
/** While there is a fault. */
const CHECK_AGAIN_MS = 1_000;
/** Time for two checks that each wait for an answer, so that a stall does not count as a fault. */
const LASTS_MS = 4_000;
/** A fault that a restart did not repair is tolerated for longer each time, up to this. */
const LASTS_MAX_MS = 60_000;

/** The returned function watches one process after the other. It resolves with the fault for which it killed the process, or when the signal aborts. */
export function createFaultWatch(): (process: Faultable, signal: AbortSignal) => Promise<string | undefined> {
  let lastsMs = LASTS_MS;
  return async (process, signal) => {
    let sinceMs: number | undefined;
    while (process.findFault !== undefined) {
      await pause(sinceMs === undefined ? CHECK_EVERY_MS : CHECK_AGAIN_MS, signal);
      if (signal.aborted) return undefined;
      const checkedAtMs = performance.now();
      const fault = await process.findFault();
      if (fault === undefined) {
        lastsMs = LASTS_MS;
        sinceMs = undefined;
        continue;
      }
      sinceMs ??= checkedAtMs;
      if (performance.now() - sinceMs < lastsMs || signal.aborted) continue;
      lastsMs = Math.min(lastsMs * 2, LASTS_MAX_MS);
      process.kill?.('SIGKILL');
      return fault;
    }
    return undefined;
  };
}
