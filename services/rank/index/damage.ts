/**
 * Notices an index whose contents its scripts can't use: a key of another type, a count or a value that is none. A comparison
 * player by player can't repair that, so such an epoch counts as one that Redis does not hold, and is rebuilt.
 */
import { isContentError } from '../../shared/stores/redis/redis.ts';
import type { Script } from './index-scripts.ts';

/** A fault that every rebuild meets again must not keep both servers busy. */
const REST_MS = 30_000;

export class IndexDamage {
  #epoch: bigint | undefined;
  #notedAtMs = -Infinity;

  has(epoch: bigint): boolean {
    return this.#epoch === epoch;
  }

  /** The same script. Its first argument is the epoch. */
  watched(script: Script): Script {
    return async (keys, args) => {
      try {
        return await script(keys, args);
      } catch (error) {
        if (isContentError(error)) this.#note(BigInt(args[0] ?? 0));
        throw error;
      }
    };
  }

  #note(epoch: bigint): void {
    const nowMs = performance.now();
    if (this.#epoch === epoch || nowMs - this.#notedAtMs < REST_MS) return;
    this.#epoch = epoch;
    this.#notedAtMs = nowMs;
  }
}
