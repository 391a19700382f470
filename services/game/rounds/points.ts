/**
 * What a hit is worth: up to 100 points for a quick reaction and a bonus for hits in a row. A pure function with three
 * invariants: quicker never earns less, a longer streak never earns less, and the result is from 1 to MAX_POINTS.
 */

/** Faster hits earn nothing: trained people need more than 150 ms to react to a light. */
export const FASTEST_HUMAN_MS = 100;
/** How long a target stays lit. */
export const TARGET_LIFETIME_MS = 3_000;

/** Full points up to here; the time includes the network round trip. */
const FULL_REWARD_MS = 200;
const MAX_SPEED_POINTS = 100;
const POINTS_PER_HIT_IN_ROW = 2;
/** Small, so that speed matters more than the streak. */
const MAX_STREAK_BONUS = 10;

export const MAX_POINTS = MAX_SPEED_POINTS + MAX_STREAK_BONUS;

/** `streak` counts the hits in a row before this one. */
export function pointsFor(reactionMs: number, streak: number): number {
  const left = (TARGET_LIFETIME_MS - reactionMs) / (TARGET_LIFETIME_MS - FULL_REWARD_MS);
  const share = Math.min(1, Math.max(0, left));
  // Squared: 100 ms make a larger difference for quick hits than for slow ones.
  const speed = 1 + Math.round((MAX_SPEED_POINTS - 1) * share ** 2);
  return speed + Math.min(MAX_STREAK_BONUS, POINTS_PER_HIT_IN_ROW * streak);
}
