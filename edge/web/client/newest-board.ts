/**
 * Keeps the newest board and the newest standing. Frames carry the whole state and only a later position replaces an
 * earlier one, so reordered, repeated and lost frames lead to the same result.
 */
import { type Board, DEFAULT_SIZE, type Standing } from './frames.js';

/** Whether `a` is later than `b`: compares epoch first, then seq. */
export function isAfter(a: Pick<Board, 'epoch' | 'seq'>, b: Pick<Board, 'epoch' | 'seq'>): boolean {
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch;
}

/**
 * The board to show after `offered` arrived; `kept` itself if nothing changed. `stale` is taken even from a board that is
 * not newer, because it comes from the node that this viewer is connected to now.
 */
export function takeBoard(kept: Board | undefined, offered: Board, size: number = DEFAULT_SIZE): Board {
  if (kept === undefined || isAfter(offered, kept)) return offered;
  // The position counts changes of the first ten. Below them a board changes at the same position, in the order of its frames.
  if (size > DEFAULT_SIZE && !isAfter(kept, offered)) return offered;
  return markFreshness(kept, offered.stale);
}

export function markFreshness(kept: Board, stale: boolean): Board {
  return kept.stale === stale ? kept : { ...kept, stale };
}

/**
 * The standing to show after `offered` arrived. An equal version is taken, because other players may have overtaken this
 * one. Versions go back only if the server's data was restored, which also raises the epoch.
 */
export function takeStanding(kept: Standing | undefined, offered: Standing): Standing {
  if (kept === undefined || kept.userId !== offered.userId || offered.epoch > kept.epoch) return offered;
  return offered.version >= kept.version ? offered : kept;
}
