/** The keys of the rank index in Redis. All begin with the prefix of the deployment. */
import { redisPrefix } from '../../shared/stores/names.ts';

export type IndexKeys = ReturnType<typeof createIndexKeys>;

export function createIndexKeys(namespace: string) {
  const prefix = redisPrefix(namespace);
  const boardKey = new RegExp(`^${prefix}\\d+:([^:]+):(?:order|players)$`);
  const epochKey = new RegExp(`^${prefix}(\\d+):`);
  const pointer = `${prefix}epoch`;
  return {
    /** Holds the epoch that counts. */
    pointer,
    /** Written to find out whether Redis takes writes. A Redis that is full, or can't save, still answers readers. */
    probe: `${prefix}probe`,
    /** Holds the id of the deployment that the index belongs to. */
    deployment: `${prefix}deployment`,
    /** When Redis was last seen with an epoch. */
    seen: (epoch: bigint) => `${prefix}${epoch}:seen`,
    /** The keys of a script: the pointer, and of a board the order, the players and the board itself. */
    of(epoch: bigint, leaderboard: string): string[] {
      const board = `${prefix}${epoch}:${leaderboard}`;
      return [pointer, `${board}:order`, `${board}:players`, `${board}:board`];
    },
    /** A pattern for SCAN: the keys of one epoch, or of all. */
    pattern: (epoch?: bigint) => (epoch === undefined ? `${prefix}[0-9]*:*` : `${prefix}${epoch}:*`),
    /** The epoch of a key; undefined if it belongs to none. */
    epochOf(key: string): bigint | undefined {
      const epoch = epochKey.exec(key)?.[1];
      return epoch === undefined ? undefined : BigInt(epoch);
    },
    /** The board of a key that holds players. A board without players keeps only its count of changes. */
    boardOf: (key: string): string | undefined => boardKey.exec(key)?.[1],
  };
}
