/**
 * What a viewer keeps: the newest board and the newest standing it has seen. Any order, any duplication and any gap gives
 * the same result, because every frame carries the whole state and only a greater position is taken.
 */
import type { Board, Standing } from './frames.js';

/** True when `a` stands after `b`: epoch first, then seq. */
export function isAfter(a: Pick<Board, 'epoch' | 'seq'>, b: Pick<Board, 'epoch' | 'seq'>): boolean {
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch;
}

/**
 * The board to show after `offered` came in; `kept` itself when nothing changed. A board that is not newer still says
 * whether its node is fresh, and that is believed: the node is the one this viewer depends on now.
 */
export function takeBoard(kept: Board | undefined, offered: Board): Board {
  if (kept === undefined || isAfter(offered, kept)) return offered;
  return markFreshness(kept, offered.stale);
}

export function markFreshness(kept: Board, stale: boolean): Board {
  return kept.stale === stale ? kept : { ...kept, stale };
}

/**
 * The standing to show after `offered` came in. Equal versions are taken: others may have moved past the player. Versions
 * go back when the server's data was restored, and its epoch has changed then.
 */
export function takeStanding(kept: Standing | undefined, offered: Standing): Standing {
  if (kept === undefined || kept.userId !== offered.userId || offered.epoch > kept.epoch) return offered;
  return offered.version >= kept.version ? offered : kept;
}
