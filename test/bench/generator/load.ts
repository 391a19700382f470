/**
 * Drives prepared requests over many connections, closed loop (the next request when the answer is there) or open loop
 * (at a rate that no answer changes). A time counts from the moment at which a request was meant to start, whether or
 * not a connection was free then: a server that stalls can't hide what it kept waiting.
 */
import { runClosedLoop } from './closed-loop.ts';
import { type HttpConnection, openHttpConnection } from './http-connection.ts';
import { monotonicMs } from './monotonic.ts';
import { runOpenLoop } from './open-loop.ts';
import type { SeriesStep } from './series.ts';
import { createTally, type Tally } from './tally.ts';

export interface LoadOptions {
  port: number;
  connections: number;
  /** Requests a second; left out for a closed loop. */
  ratePerS?: number | undefined;
  seconds: number;
  /** Before that, not counted. */
  warmupS: number;
  /** Starts again from the first request after the last, where that is harmless; else the run ends there. */
  repeat?: boolean | undefined;
  /** Keeps when each request was written. */
  keepStarts?: boolean | undefined;
  /** Keeps which requests were answered 200. */
  keepAccepted?: boolean | undefined;
  /** Open loop: requests that wait for a connection; one more is given up. Unlimited when left out. */
  maxWaiting?: number | undefined;
  /** Sends a request that was refused, and so certainly not counted, again later. */
  recycle?: boolean | undefined;
}

export interface LoadResult {
  /** Requests answered, warm-up included: what CPU time is divided by. */
  operations: number;
  /** The timed part. */
  seconds: number;
  /** Answered 200 in the timed part. */
  accepted: number;
  /** By status, timed part; 0 stands for connections that broke. */
  statuses: Record<number, number>;
  /** Open loop: never sent, for want of a free connection. */
  unsent: number;
  /** Accepted, from the intended start. */
  latency: Uint32Array;
  /** Refused, from the first byte written. */
  refusals: Uint32Array;
  series: SeriesStep[];
  /** On the clock that all processes share, by index of the request. */
  startsMs: number[];
  acceptedIndexes: number[];
  cpuShare: number;
  utilisation: number;
}

/** What a loop works with. */
export interface Loop {
  readonly options: LoadOptions;
  readonly tally: Tally;
  readonly startMs: number;
  readonly timedFromMs: number;
  readonly endMs: number;
  /** The next request, or undefined when all have been used. */
  take(): { index: number; bytes: Buffer } | undefined;
  /** A request that was refused. */
  giveBack(index: number): void;
  readonly connections: readonly HttpConnection[];
}

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
