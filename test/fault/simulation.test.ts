import { describe, expect, it } from 'vitest';
import { checkRecord, type Invariant } from './checker/check.ts';
import type { Mutations } from './simulation/mutations.ts';
import { simulate } from './simulation/world.ts';

/** A seed of one's own runs alone: SEED=123. */
const SEED = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
const SEEDS = Number(process.env.SEEDS ?? 2_000);
/** A mutant that survives this many seeds is not caught. */
const SEEDS_PER_MUTANT = 300;
/** All seeds are about a minute of work. A machine that has other things to do stops here, */
const ENOUGH_MS = 110_000;
/** but not before so many. */
const FEWEST_SEEDS = 300;
const LIMIT_MS = 240_000;

async function judge(seed: number, mutations: Mutations = {}) {
  const { record, schedule } = await simulate(seed, mutations);
  return { seed, schedule, record, violations: checkRecord(record).violations };
}

describe('the simulated scoreboard', () => {
  it(
    'keeps every promise under every seed',
    async () => {
      const startedMs = performance.now();
      for (let seed = SEED ?? 1; seed <= (SEED ?? SEEDS); seed += 1) {
        if (seed > FEWEST_SEEDS && SEED === undefined && performance.now() - startedMs > ENOUGH_MS) break;
        const { violations, schedule } = await judge(seed);
        const [violation] = violations;
        expect(violation, `SEED=${seed}\n${schedule.join('\n')}`).toBeUndefined();
      }
    },
    LIMIT_MS,
  );

  it('gives the same run for the same seed', async () => {
    const [one, other] = [await judge(7), await judge(7)];
    expect(JSON.stringify(other.record)).toBe(JSON.stringify(one.record));
  });

  const MUTANTS: readonly [mutant: keyof Mutations, breaks: readonly Invariant[]][] = [
    ['countsRepeats', ['I2']],
    ['repeatsTellTotal', ['I2']],
    ['refusesCommitted', ['I3']],
    ['forgetsOutbox', ['I4']],
    ['settlesEarly', ['I4']],
    ['writesUnversioned', ['I4', 'I7']],
    ['ordersTiesById', ['I9']],
    ['ignoresEpoch', ['I4', 'I7']],
    ['sendsPastHub', ['I11']],
    ['inventsBoards', ['I12']],
  ];
  it.each(MUTANTS)('catches a world that %s', async (mutant, breaks) => {
    for (let seed = 1; seed <= SEEDS_PER_MUTANT; seed += 1) {
      const { violations } = await judge(seed, { [mutant]: true });
      if (violations.some(({ invariant }) => breaks.includes(invariant))) return;
    }
    expect.fail(`survived ${SEEDS_PER_MUTANT} seeds`);
  });
});
