/**
 * Outages that last. NATS is away for longer than its client waits by default (10 attempts, 19 s), and Postgres is silent for
 * much longer than a change may be missing from a screen that does not say so; the soak tool with `--long` has the same for
 * minutes. A transaction of somebody else on the Postgres server stays open through a restart of Redis and long after it.
 */
import { expect, it } from 'vitest';
import { makeFault } from '../fault/driver/faults/faults.ts';
import { runUnderFire } from '../fault/driver/run.ts';
import { createRandom } from '../support/random.ts';

it.each([
  ['nats', 'down', 25_000],
  ['postgres', 'pause', 12_000],
  ['postgres', 'foreign-transaction', 500],
] as const)(
  'comes back by itself from %s, %s for %i ms, and keeps its promises meanwhile',
  async (component, kind, lastsMs) => {
    const faults = [makeFault(component, kind, lastsMs, createRandom(1))];
    const { judgement, survived, folder } = await runUnderFire({
      seed: 1,
      nextFault: () => faults.shift(),
      say: () => {},
    });
    expect(judgement.violations.slice(0, 3), `evidence in ${folder}`).toEqual([]);
    expect(survived).toMatchObject([{ wellAfterMs: expect.any(Number) }]);
  },
  170_000,
);
