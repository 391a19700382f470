/**
 * What a hit is worth: up to 100 points for a quick reaction, and a little more for hits in a row. Pure, so that anybody
 * can check a score: never less for being quicker, never less for a longer streak, never outside 1 to MAX_POINTS.
 */

/** Below this nobody reacts; the visual reaction time of trained people is above 150 ms. Such a hit is not rewarded. */
export const FASTEST_HUMAN_MS = 100;
/** How long a target is lit. */
export const TARGET_LIFETIME_MS = 3_000;

/** The quickest answer that still makes a difference, the way over the network included. */
const FULL_REWARD_MS = 200;
const MAX_SPEED_POINTS = 100;
const POINTS_PER_HIT_IN_ROW = 2;
/** Speed must matter more than the streak. */
const MAX_STREAK_BONUS = 10;

export const MAX_POINTS = MAX_SPEED_POINTS + MAX_STREAK_BONUS;

/** @param streak hits in a row before this one */
export function pointsFor(reactionMs: number, streak: number): number {
  const left = (TARGET_LIFETIME_MS - reactionMs) / (TARGET_LIFETIME_MS - FULL_REWARD_MS);
  const share = Math.min(1, Math.max(0, left));
  // Squared: a tenth of a second counts for more among the quick than among the slow.
  const speed = 1 + Math.round((MAX_SPEED_POINTS - 1) * share ** 2);
  return speed + Math.min(MAX_STREAK_BONUS, POINTS_PER_HIT_IN_ROW * streak);
}
