/**
 * Whether the Redis that answers is the one that Postgres says counts, with an index that is not ahead of the database. Only then
 * is the index used: another Redis process, or an old copy of its data, may hold other boards under the same epoch.
 */
import { ForeignServerError } from '../../shared/stores/deployment.ts';
import { describeRedisTrouble, NOT_CONNECTED, type RedisClient } from '../../shared/stores/redis/redis.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { IndexIdentity } from '../index/recognised-connection.ts';
import type { CurrentEpoch } from './current-epoch.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';

export interface RecogniseRedisOptions {
  epochs: Pick<EpochStore, 'markSeen'>;
  index: Pick<RankIndex, 'identity' | 'seenAt' | 'noteSeen'>;
  redis: Pick<RedisClient, 'status'>;
  current: Pick<CurrentEpoch, 'read'>;
  log: Log;
}

export type RecogniseRedis = ReturnType<typeof createRecogniseRedis>;

export function createRecogniseRedis({ epochs, index, redis, current, log }: RecogniseRedisOptions) {
  let trouble: string | undefined = NOT_CONNECTED;

  /**
   * Redis keeps a time only after Postgres has committed it. A later one than Postgres has means that an older state of the
   * database was restored, and that the index holds states of players that no longer exist. (Or that the database's clock
   * jumped back; then the index is rebuilt once in vain.)
   */
  async function isAheadOfDatabase(row: EpochRow): Promise<boolean> {
    const seenAt = await index.seenAt(row.epoch);
    if (seenAt <= row.redisSeenAt || seenAt <= (await current.read()).redisSeenAt) return false;
    log.error({ epoch: String(row.epoch) }, 'the rank index is ahead of the database, which was restored');
    return true;
  }

  return {
    /** The index that Redis holds; undefined while Redis does not answer or takes no writes. */
    async identify(): Promise<IndexIdentity | undefined> {
      if (redis.status !== 'ready') {
        trouble = NOT_CONNECTED;
        return undefined;
      }
      try {
        const held = await index.identity();
        trouble = undefined;
        return held;
      } catch (error) {
        trouble = error instanceof ForeignServerError ? error.message : describeRedisTrouble(error);
        log.debug({ err: error }, 'Redis does not answer, or takes no writes');
        return undefined;
      }
    },

    async holdsIndex(row: EpochRow, held: IndexIdentity): Promise<boolean> {
      const isCounting = row.source === 'redis' && held.runId === row.redisRunId && held.epoch === row.epoch;
      return isCounting && !(await isAheadOfDatabase(row));
    },

    /** Keeps in both servers when Redis was last seen with this epoch: first in Postgres, then in Redis. */
    async markSeen({ epoch, redisRunId }: EpochRow): Promise<void> {
      const seenAt = await epochs.markSeen(epoch, redisRunId);
      if (seenAt !== undefined) await index.noteSeen(epoch, seenAt);
    },

    /** Why Redis does not serve us; undefined while it does. */
    trouble: () => trouble,
  };
}
