/** The only door to wall time, so that tests can stop it. Nothing is ordered by it. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
