/** What an open or a closed loop is given. */
import type { HttpConnection } from './http-connection.ts';
import type { LoadOptions } from './load-run.ts';
import type { Tally } from './tally.ts';

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
