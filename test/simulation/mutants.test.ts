import { describe, expect, it } from 'vitest';
import type { Invariant } from '../fault/checker/check.ts';
import type { Mutations } from '../fault/simulation/environment/mutations.ts';
import { judge } from './judge.ts';

/** A mutant that survives this many seeds is not caught. */
const SEEDS_PER_MUTANT = 5_000;

describe('the simulated scoreboard', () => {
  it('gives the same run for the same seed', async () => {
    const [one, other] = [await judge(7), await judge(7)];
    expect(JSON.stringify(other.record)).toBe(JSON.stringify(one.record));
  });

  /** One seed in five hundred shows the one with a third value, which is the seed that its search starts at. */
  const MUTANTS: readonly [mutant: keyof Mutations, breaks: readonly Invariant[], firstSeed?: number][] = [
    ['countsRepeats', ['I2']],
    ['repeatsTellTotal', ['I2']],
    ['refusesRepeats', ['I2']],
    ['refusesBeside', ['I2']],
    ['refusesCommitted', ['I3']],
    ['forgetsOutbox', ['I4']],
    ['hidesWriters', ['I4', 'I13'], 5_094],
    ['forgetsBuilding', ['I4', 'I13']],
    ['settlesEarly', ['I4']],
    ['writesUnversioned', ['I4', 'I7']],
    ['ordersTiesById', ['I9']],
    ['ignoresEpoch', ['I4', 'I7', 'I12']],
    ['sendsPastHub', ['I11']],
    ['inventsBoards', ['I12']],
    ['correctsTwice', ['I22']],
    ['showsEverybody', ['I4', 'I9']],
  ];
  it.each(MUTANTS)('catches a world that %s', async (mutant, breaks, firstSeed = 1) => {
    for (let seed = firstSeed; seed < firstSeed + SEEDS_PER_MUTANT; seed += 1) {
      const { violations } = await judge(seed, { [mutant]: true });
      if (violations.some(({ invariant }) => breaks.includes(invariant))) return;
    }
    expect.fail(`survived ${SEEDS_PER_MUTANT} seeds`);
  });
});
