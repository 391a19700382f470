/** Waits until an expectation holds; the limit only bounds a hang. With fake timers, their time passes meanwhile. */
import { vi } from 'vitest';

const EVERY_MS = 20;
const LIMIT_MS = 45_000;

export const eventually = <Value>(expectation: () => Value | Promise<Value>): Promise<Value> =>
  vi.waitFor(expectation, { timeout: LIMIT_MS, interval: EVERY_MS });
