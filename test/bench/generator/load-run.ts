/** What one run of a load is told, and what it counts. */
import type { SeriesStep } from './series.ts';

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
