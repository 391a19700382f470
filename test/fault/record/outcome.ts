/** What a caller may conclude from a refusal: that nothing was counted, or that the outcome is unknown. */

/** Refusals that leave open whether the action counted, by the documented meaning of their reasons. */
const UNKNOWN = new Set([
  'DEADLINE_EXCEEDED',
  'OUTCOME_UNKNOWN',
  'SCORE_UNAVAILABLE',
  'INTERNAL',
  // The caller's own words for "no answer came" and "the connection was lost".
  'CLIENT_TIMEOUT',
  'CONNECTION_LOST',
]);
/** Refusals that will be the same next time. */
const FINAL = new Set([
  'ACTION_CONFLICT',
  'ACTION_VOIDED',
  'SIGNATURE_INVALID',
  'SIGNATURE_EXPIRED',
  'SIGNATURE_REQUIRED',
  'TOKEN_INVALID',
  'TOKEN_REQUIRED',
  'SCORE_LIMIT_REACHED',
  'POINTS_INVALID',
  'POINTS_OVER_CAP',
]);

export function outcomeOf(reason: string): 'fail' | 'info' {
  return UNKNOWN.has(reason) ? 'info' : 'fail';
}

export function isWorthRetrying(reason: string): boolean {
  return !FINAL.has(reason);
}
