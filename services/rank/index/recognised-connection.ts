/**
 * Which connection to Redis may be used. A new connection may lead to another Redis, or to one that was restored from an old
 * copy, so none is used until the keeper has recognised the Redis behind it.
 */
import type { RedisClient } from '../../shared/stores/redis/redis.ts';
import { TOP_SIZE } from '../../shared/values/board.ts';
import { claimIndex, type IndexPlace } from './claim-index.ts';
import type { IndexDamage } from './damage.ts';
import { readNumber } from './epoch-keys.ts';
import { script } from './index-scripts.ts';

export interface IndexIdentity {
  /** The epoch that counts in Redis, unless its contents are damaged. */
  readonly epoch: bigint | undefined;
  readonly runId: string;
  /** The number of the connection. On another connection, another process may answer. */
  readonly connection: number;
}

export function createRecognisedConnection(redis: RedisClient, damage: IndexDamage, place: IndexPlace) {
  const { keys } = place;
  const project = script(redis, 'project');
  let current = 0;
  let trusted: number | undefined;
  redis.on('close', () => {
    current += 1;
  });

  return {
    isTrusted: (): boolean => trusted === current,

    /** Allows reads and live writes on this connection: its Redis is the one that Postgres says counts. */
    trust(connection: number): void {
      trusted = connection;
    },

    /** Which Redis answers, on which connection. Rejects while it takes no writes, or holds the index of another deployment. */
    async identity(): Promise<IndexIdentity> {
      const connection = current;
      // Also after its data were lost, or another Redis took its place.
      await claimIndex(redis, place);
      // A Redis that was restarted is of no use until it has the scripts.
      const [, ...noKeys] = keys.of(0n, '');
      const [pointer, info] = await Promise.all([
        readNumber(redis, keys.pointer),
        redis.info('server'),
        redis.set(keys.probe, ''),
        project([keys.probe, ...noKeys], ['0', 'shadow', String(TOP_SIZE)]),
      ]);
      const runId = /^run_id:(\w+)/m.exec(info)?.[1];
      if (runId === undefined) throw new Error('Redis does not report its run id');
      const epoch = pointer !== undefined && damage.has(pointer) ? undefined : pointer;
      return { epoch, runId, connection };
    },
  };
}
