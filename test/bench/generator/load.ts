/**
 * Drives prepared requests over many connections, closed loop (the next request when the answer is there) or open loop
 * (at a rate that no answer changes). A time counts from the moment at which a request was meant to start, whether or
 * not a connection was free then: a server that stalls can't hide what it kept waiting.
 */
import { runClosedLoop } from './closed-loop.ts';
import { openHttpConnection } from './http-connection.ts';
import type { LoadOptions, LoadResult } from './load-run.ts';
import type { Loop } from './loop.ts';
import { monotonicMs } from './monotonic.ts';
import { runOpenLoop } from './open-loop.ts';
import { createTally } from './tally.ts';

/** Connections opened at once: well below any server's backlog. */
const OPEN_AT_ONCE = 100;

export async function runLoad(requests: readonly Buffer[], options: LoadOptions): Promise<LoadResult> {
  const connections = Array.from({ length: options.connections }, () => openHttpConnection(options.port));
  for (let at = 0; at < connections.length; at += OPEN_AT_ONCE) {
    await Promise.all(connections.slice(at, at + OPEN_AT_ONCE).map((connection) => connection.open()));
  }
  const startMs = monotonicMs();
  const timedFromMs = startMs + options.warmupS * 1000;
  const endMs = timedFromMs + options.seconds * 1000;
  const tally = createTally(options, startMs);
  const timed = setTimeout(tally.startTimed, options.warmupS * 1000);
  let next = 0;
  const givenBack: number[] = [];
  const loop: Loop = {
    options,
    tally,
    startMs,
    timedFromMs,
    endMs,
    connections,
    giveBack(index) {
      if (options.recycle) givenBack.push(index);
    },
    take() {
      const again = givenBack.length > 0 ? givenBack.shift() : undefined;
      const refused = again === undefined ? undefined : requests[again];
      if (again !== undefined && refused !== undefined) return { index: again, bytes: refused };
      if (next >= requests.length && !options.repeat) return undefined;
      const bytes = requests[next % requests.length];
      return bytes && { index: next++, bytes };
    },
  };
  const stoppedMs = await (options.ratePerS === undefined
    ? runClosedLoop(loop)
    : runOpenLoop(loop, options.ratePerS));
  clearTimeout(timed);
  for (const connection of connections) connection.close();
  return tally.result(Math.max(1, Math.min(stoppedMs, endMs) - timedFromMs));
}
