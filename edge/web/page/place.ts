/** The player's place, merged from several sources, and how far the next player is. Pure. */
import type { BoardEntry } from '../client/frames.js';

export interface Place {
  readonly score: number;
  /** 1-based; undefined if the server could not determine it in time. */
  readonly rank: number | undefined;
}

/** A rank as the edge's JSON writes it: 0 means unknown. */
export function rankFromJson(rank: number): number | undefined {
  return rank === 0 ? undefined : rank;
}

/**
 * The newer of two places. A score that is played for never shrinks, so the greater score is the newer one, in whatever order the
 * sources deliver. A place without a rank keeps the last known rank.
 */
export function newerPlace(known: Place | undefined, offered: Place): Place {
  if (known === undefined) return offered;
  if (offered.score < known.score) return known;
  return { score: offered.score, rank: offered.rank ?? known.rank };
}

/** One sentence about the distance to the next player among the known ones; empty if none is known. */
export function describeChase(
  { score, rank }: Place,
  others: readonly BoardEntry[],
  format: (score: number) => string,
): string {
  if (rank === undefined) return '';
  if (rank === 1) return 'You lead the board.';
  const above = others.filter((entry) => entry.score >= score && entry.rank < rank).at(-1);
  if (above === undefined) return '';
  const gap = above.score - score;
  return `${gap === 0 ? 'Level with' : `${format(gap)} behind`} ${above.username}`;
}
