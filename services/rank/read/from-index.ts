/** Reads from the index if Redis holds the epoch that counts, so that the caller falls back to Postgres otherwise. */
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';

export interface FromIndexOptions {
  known: Pick<KnownIndex, 'redisEpoch' | 'doubt'>;
  log: Log;
}

/** The answer of the index. Undefined when it does not answer or does not hold the epoch. */
export type FromIndex = <T>(read: (epoch: bigint) => Promise<T | undefined>) => Promise<T | undefined>;

export function createFromIndex({ known, log }: FromIndexOptions): FromIndex {
  const warn = createRepeatedWarning(log, 'the rank index does not answer');
  return async (read) => {
    const epoch = known.redisEpoch;
    if (epoch === undefined) return undefined;
    try {
      const answer = await read(epoch);
      if (answer === undefined) known.doubt();
      return answer;
    } catch (error) {
      warn({ err: error });
      known.doubt();
      return undefined;
    }
  };
}
