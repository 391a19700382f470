/**
 * Runs of the simulated scoreboard, judged. The fixed seeds are two shares, each a file of its own, so that two cores share
 * the work; SEED=123 runs one seed of one's own, in the share that it belongs to.
 */
import { expect } from 'vitest';
import { checkRecord } from '../fault/checker/check.ts';
import type { Mutations } from '../fault/simulation/mutations.ts';
import { simulate } from '../fault/simulation/world.ts';

const SEED = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
const SEEDS = Number(process.env.SEEDS ?? 2_000);
const SHARES = 2;
/** A share is about forty seconds of work. A machine that has other things to do stops here, */
const ENOUGH_MS = 110_000;
/** but not before so many. */
const FEWEST_SEEDS = 150;
export const LIMIT_MS = 240_000;

export async function judge(seed: number, mutations: Mutations = {}) {
  const { record, schedule } = await simulate(seed, mutations);
  return { seed, schedule, record, violations: checkRecord(record).violations };
}

/** Every promise is kept under every seed of a share: 1 are the odd ones, 2 the even. */
export async function judgeShare(share: 1 | 2): Promise<void> {
  const startedMs = performance.now();
  const seeds = Array.from(
    { length: Math.ceil((SEEDS - share + 1) / SHARES) },
    (_, at) => share + at * SHARES,
  );
  const own = SEED === undefined ? seeds : [SEED].filter((seed) => (seed - share) % SHARES === 0);
  for (const [judged, seed] of own.entries()) {
    if (judged >= FEWEST_SEEDS && performance.now() - startedMs > ENOUGH_MS) break;
    const { violations, schedule } = await judge(seed);
    const [violation] = violations;
    expect(violation, `SEED=${seed}\n${schedule.join('\n')}`).toBeUndefined();
  }
}
