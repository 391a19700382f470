/**
 * Runs of the simulated scoreboard, judged. The seeds from 1 to SEEDS are two shares, each a file of its own, so that two
 * cores share the work. SEED=123 runs that seed alone, in the share that it belongs to.
 */
import { expect } from 'vitest';
import { checkRecord } from '../fault/checker/check.ts';
import type { Mutations } from '../fault/simulation/environment/mutations.ts';
import { simulate } from '../fault/simulation/simulate.ts';

const SEED = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
/** A seed takes 20 ms of processor time. The nightly run sets more. */
const SEEDS = Number(process.env.SEEDS ?? 1_000);
const SHARES = 2;
/** Ten times what a seed takes on a quiet machine. */
const LIMIT_OF_SEED_MS = 200;
export const LIMIT_MS = 120_000 + SEEDS * LIMIT_OF_SEED_MS;

export async function judge(seed: number, mutations: Mutations = {}) {
  const { record, schedule } = await simulate(seed, mutations);
  return { seed, schedule, record, violations: checkRecord(record).violations };
}

/** Expects that every seed of a share keeps every promise. Share 1 has the odd seeds, share 2 the even ones. */
export async function judgeShare(share: 1 | 2): Promise<void> {
  const seeds = Array.from(
    { length: Math.ceil((SEEDS - share + 1) / SHARES) },
    (_, at) => share + at * SHARES,
  );
  const own = SEED === undefined ? seeds : [SEED].filter((seed) => (seed - share) % SHARES === 0);
  for (const seed of own) {
    const { violations, schedule } = await judge(seed);
    const [violation] = violations;
    expect(violation, `SEED=${seed}\n${schedule.join('\n')}`).toBeUndefined();
  }
}
