/** The only door to wall time, so that tests can hold it still. Ordering never uses it. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
