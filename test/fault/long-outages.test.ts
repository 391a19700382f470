/**
 * Outages that outlast the patience of the libraries underneath. Here NATS is away for longer than its client waits by
 * default (10 attempts, 19 s); the soak tool with `--long` has the same for minutes, and for Redis and Postgres.
 */
import { expect, it } from 'vitest';
import { makeFault } from './driver/faults.ts';
import { runUnderFire } from './driver/run.ts';
import { createRandom } from './random.ts';

const AWAY_MS = 25_000;

it('comes back by itself after NATS was away for longer than its client is patient', async () => {
  const faults = [makeFault('nats', 'down', AWAY_MS, createRandom(1))];
  const { judgement, survived, folder } = await runUnderFire({
    seed: 1,
    nextFault: () => faults.shift(),
    say: () => {},
  });
  expect(judgement.violations.slice(0, 3), `evidence in ${folder}`).toEqual([]);
  expect(survived).toMatchObject([{ wellAfterMs: expect.any(Number) }]);
}, 170_000);
