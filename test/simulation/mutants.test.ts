import { describe, expect, it } from 'vitest';
import type { Invariant } from '../fault/checker/check.ts';
import type { Mutations } from '../fault/simulation/mutations.ts';
import { judge } from './judge.ts';

/** A mutant that survives this many seeds is not caught. */
const SEEDS_PER_MUTANT = 1_000;

describe('the simulated scoreboard', () => {
  it('gives the same run for the same seed', async () => {
    const [one, other] = [await judge(7), await judge(7)];
    expect(JSON.stringify(other.record)).toBe(JSON.stringify(one.record));
  });

  const MUTANTS: readonly [mutant: keyof Mutations, breaks: readonly Invariant[]][] = [
    ['countsRepeats', ['I2']],
    ['repeatsTellTotal', ['I2']],
    ['refusesRepeats', ['I2']],
    ['refusesBeside', ['I2']],
    ['refusesCommitted', ['I3']],
    ['forgetsOutbox', ['I4']],
    ['hidesWriters', ['I4', 'I13']],
    ['forgetsBuilding', ['I4', 'I13']],
    ['settlesEarly', ['I4']],
    ['writesUnversioned', ['I4', 'I7']],
    ['ordersTiesById', ['I9']],
    ['ignoresEpoch', ['I4', 'I7', 'I12']],
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
