/** The keys of whole epochs: the pointer to the one that counts, when Redis was last seen with it, and the removal of old ones. */
import { isContentError, type RedisClient } from '../../shared/stores/redis/redis.ts';
import type { IndexKeys } from './index-keys.ts';

/** Keys per SCAN step, and removed per UNLINK. */
const SCAN_COUNT = 500;

/** Undefined when there is no number: anything else there is replaced as if nothing were. */
export async function readNumber(redis: RedisClient, key: string): Promise<bigint | undefined> {
  const text = await redis.get(key).catch((error: unknown) => {
    if (isContentError(error)) return null;
    throw error;
  });
  return text !== null && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

export function createEpochKeys(redis: RedisClient, keys: IndexKeys) {
  async function dropOlder(epoch: bigint): Promise<void> {
    let cursor = '0';
    do {
      const [next, found] = await redis.scan(cursor, 'MATCH', keys.pattern(), 'COUNT', SCAN_COUNT);
      const old = found.filter((key) => (keys.epochOf(key) ?? epoch) < epoch);
      if (old.length > 0) await redis.unlink(...old);
      cursor = next;
    } while (cursor !== '0');
  }

  return {
    /** Makes an epoch the one that counts. */
    async pointTo(epoch: bigint): Promise<void> {
      await redis.set(keys.pointer, String(epoch));
    },

    /** Keeps the time at which Postgres noted that Redis was seen with this epoch. */
    async noteSeen(epoch: bigint, seenAt: bigint): Promise<void> {
      await redis.set(keys.seen(epoch), String(seenAt));
    },

    /** The time kept by `noteSeen`, in microseconds since 1970; 0 when none was kept. */
    async seenAt(epoch: bigint): Promise<bigint> {
      return (await readNumber(redis, keys.seen(epoch))) ?? 0n;
    },

    /** Removes the pointer and every epoch before this one. Only while boards are not read from Redis. */
    async clear(epoch: bigint): Promise<void> {
      // The pointer goes first: a process that still believes in an old epoch must not find an empty board under it.
      await redis.unlink(keys.pointer);
      await dropOlder(epoch);
    },

    /** Removes the keys of every epoch before this one. Another process may be building a later one. */
    dropOlder,
  };
}
