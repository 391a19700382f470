/**
 * How long a connection between services lasts. A server ends one that is old, so that a certificate is looked at again,
 * and one that nobody uses. Whatever was sent in that moment would fail, so our own clients always leave first.
 */

export interface SessionLimits {
  /** A server's: it ends a session of this age, give or take a tenth. */
  readonly maxAgeMs: number;
  /** A server's: it ends a session without calls for this long. */
  readonly maxIdleMs: number;
  /** A client's: calls go over a new connection after this time. */
  readonly renewAfterMs: number;
  /** A client's: it lets a connection go that had no call for this long. */
  readonly leaveAfterMs: number;
}

const MINUTE_MS = 60_000;

export const SESSION_LIMITS: SessionLimits = {
  maxAgeMs: 60 * MINUTE_MS,
  maxIdleMs: 5 * MINUTE_MS,
  renewAfterMs: 30 * MINUTE_MS,
  leaveAfterMs: 4 * MINUTE_MS,
};
