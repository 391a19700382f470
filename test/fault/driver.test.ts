import { describe, expect, it } from 'vitest';
import { COMPONENTS } from './driver/components.ts';
import { type Fault, makeFault } from './driver/faults.ts';
import { runUnderFire } from './driver/run.ts';
import { createRandom, type Random } from './random.ts';

/** Seeds that CI runs; SEED=123 runs one of one's own. */
const SEEDS = process.env.SEED === undefined ? [20_261] : [Number(process.env.SEED)];
const KINDS = ['kill', 'pause', 'cut'] as const;
const [SHORTEST_MS, LONGEST_MS] = [500, 2_000];
/** Each fault and its recovery take a few seconds, on a machine that has other things to do. */
const LIMIT_MS = 290_000;

/** Every component once with every kind, in an order of the seed's. */
function everyFault(seed: number): Fault[] {
  const random = createRandom(seed);
  const faults = COMPONENTS.flatMap((component) =>
    KINDS.map((kind) => ({
      fault: makeFault(component, kind, random.whole(SHORTEST_MS, LONGEST_MS), random),
      order: random.next(),
    })),
  );
  return faults.sort((a, b) => a.order - b.order).map(({ fault }) => fault);
}

describe('the running product', () => {
  it.each(SEEDS)(
    'survives each component being killed, paused and cut (seed %i)',
    async (seed) => {
      const faults = everyFault(seed);
      const told: string[] = [];
      const { judgement, survived, folder } = await runUnderFire({
        seed,
        nextFault: (_: Random) => faults.shift(),
        say: (line) => told.push(line),
      });
      const where = `SEED=${seed}, evidence in ${folder ?? 'no folder'}\n${told.join('\n')}`;
      expect(judgement.violations.slice(0, 3), where).toEqual([]);
      expect(
        survived.filter(({ wellAfterMs }) => wellAfterMs === undefined),
        where,
      ).toEqual([]);
      expect(judgement.judged).toMatchObject({
        I1: expect.any(Number),
        I7: expect.any(Number),
        I13: expect.any(Number),
      });
    },
    LIMIT_MS,
  );
});
