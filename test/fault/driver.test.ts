import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../support/random.ts';
import { type Fault, kindsOf, makeFault } from './driver/faults/faults.ts';
import { runUnderFire } from './driver/run.ts';
import { COMPONENTS } from './driver/stack/components.ts';
import type { HistoryEvent } from './record/record.ts';

/** Seeds that CI runs; SEED=123 runs one of one's own. */
const SEEDS = process.env.SEED === undefined ? [20_261] : [Number(process.env.SEED)];
const KINDS = [
  ...(['kill', 'pause', 'cut', 'skew'] as const),
  ...(['script-flush', 'read-only', 'no-jetstream', 'disk-full', 'foreign-transaction'] as const),
];
const [SHORTEST_MS, LONGEST_MS] = [500, 2_000];
const CHEATING = [
  ...['POINTS_OVER_CAP', 'TOO_SOON', 'WINDOW_ACTIONS_EXCEEDED', 'PLAYER_QUARANTINED'],
  'SIGNATURE_INVALID',
];
/** Each fault and its recovery take a few seconds, on a machine that has other things to do. */
const LIMIT_MS = 290_000;

/** Each component once with each of its kinds, and NATS out of reach, in an order that the seed decides. */
function everyFault(seed: number): Fault[] {
  const random = createRandom(seed);
  const pairs = COMPONENTS.flatMap((component) =>
    KINDS.filter((kind) => kindsOf(component).includes(kind)).map((kind) => [component, kind] as const),
  );
  const faults = [...pairs, ['nats', 'down'] as const].map(([component, kind]) => ({
    fault: makeFault(component, kind, random.whole(SHORTEST_MS, LONGEST_MS), random),
    order: random.next(),
  }));
  return faults.sort((a, b) => a.order - b.order).map(({ fault }) => fault);
}

/** How many calls the rate limit refused while Redis was at fault. */
function refusedWithoutRedis(history: readonly HistoryEvent[]): number {
  let [isAtFault, refused] = [false, 0];
  for (const event of history) {
    if (event.f === 'fault' && event.value.component === 'redis') isAtFault = event.value.phase === 'begin';
    const isRefused = event.f === 'submit' && event.type === 'fail' && event.value.reason === 'RATE_LIMITED';
    if (isAtFault && isRefused) refused += 1;
  }
  return refused;
}

/** How many calls were refused for this. */
function refusedFor(history: readonly HistoryEvent[], reason: string): number {
  return history.filter(({ f, type, value }) => f === 'submit' && type === 'fail' && value.reason === reason)
    .length;
}

describe('the running product', () => {
  it.each(SEEDS)(
    'survives each component being killed, paused, cut, put off in time and doing its work wrongly (seed %i)',
    async (seed) => {
      const faults = everyFault(seed);
      const told: string[] = [];
      const { judgement, survived, recorder, folder } = await runUnderFire({
        seed,
        nextFault: (_: Random) => faults.shift(),
        disks: true,
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
        I20: expect.any(Number),
        I21: expect.any(Number),
        I22: expect.any(Number),
      });
      // Every cheat was tried.
      for (const reason of CHEATING) expect(refusedFor(recorder.history, reason), reason).toBeGreaterThan(0);
      // Totals came near the largest.
      expect(refusedFor(recorder.history, 'SCORE_LIMIT_REACHED')).toBeGreaterThan(0);
      // There was something to limit while Redis was away.
      expect(refusedWithoutRedis(recorder.history)).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  it(
    'is found out when it lets a player pass the rate limit while Redis is away, or the rules of a board',
    async () => {
      const random = createRandom(1);
      const faults = [makeFault('redis', 'pause', LONGEST_MS, random)];
      const { judgement } = await runUnderFire({
        seed: 1,
        nextFault: () => faults.shift(),
        settings: { RATE_USER_PER_S: '100000', RATE_USER_BURST: '100000' },
        rules: [{ leaderboard: 'arena', kind: '', maxPoints: 1_000_000 }],
        say: () => {},
      });
      expect([...new Set(judgement.violations.map(({ invariant }) => invariant))]).toEqual(['I20', 'I21']);
    },
    LIMIT_MS,
  );
});
