/**
 * How long a connection between services lasts. A server ends old connections, so that certificates are checked again, and idle
 * ones. A request sent at that moment would fail, so our own clients always leave first.
 */

export interface SessionLimits {
  /** A server ends a session of this age, give or take a tenth. */
  readonly maxAgeMs: number;
  /** A server ends a session that had no call for this long. */
  readonly maxIdleMs: number;
  /** A client uses a new connection after this time. */
  readonly renewAfterMs: number;
  /** A client closes a connection that had no call for this long. */
  readonly leaveAfterMs: number;
}

const MINUTE_MS = 60_000;

export const SESSION_LIMITS: SessionLimits = {
  maxAgeMs: 60 * MINUTE_MS,
  maxIdleMs: 5 * MINUTE_MS,
  renewAfterMs: 30 * MINUTE_MS,
  leaveAfterMs: 4 * MINUTE_MS,
};
