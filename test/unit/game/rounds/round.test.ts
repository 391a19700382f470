import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FASTEST_HUMAN_MS, MAX_POINTS, TARGET_LIFETIME_MS } from '../../../../services/game/rounds/points.ts';
import {
  CELLS,
  type LitTarget,
  type Outcome,
  Round,
  TARGETS_PER_ROUND,
} from '../../../../services/game/rounds/round.ts';

function startRound(random: (limit: number) => number = () => 0) {
  const clock = { now: 1_000 };
  const round = new Round({ roundId: 'r', monotonicMs: () => clock.now, random });
  return { clock, round };
}

function lit(round: Round): LitTarget {
  const target = round.lit();
  if (target === undefined) throw new Error('no target is lit');
  return target;
}

describe('a round', () => {
  test('starts with its first target lit for its whole time', () => {
    const { round, clock } = startRound(() => 4);
    expect(round.remaining).toBe(TARGETS_PER_ROUND);
    expect(round.lit()).toEqual({ target: 0, cell: 4, expiresInMs: TARGET_LIFETIME_MS });
    clock.now += 1_000;
    expect(lit(round).expiresInMs).toBe(TARGET_LIFETIME_MS - 1_000);
  });

  test.each([
    ['the right cell in time', 0, 400, 'hit'],
    ['the right cell as quickly as a person can', 0, FASTEST_HUMAN_MS, 'hit'],
    ['the right cell at the last moment', 0, TARGET_LIFETIME_MS, 'hit'],
    ['the right cell quicker than any person', 0, FASTEST_HUMAN_MS - 0.001, 'too_fast'],
    ['another cell', 1, 400, 'wrong_cell'],
    ['the right cell too late', 0, TARGET_LIFETIME_MS + 0.001, 'too_late'],
  ] as const)('judges %s', (_, cell, afterMs, verdict) => {
    const { round, clock } = startRound();
    clock.now += afterMs;
    const outcome = round.judge(cell);
    expect(outcome).toMatchObject({ target: 0, verdict, reactionMs: Math.round(afterMs) });
    expect(outcome.points > 0).toBe(verdict === 'hit');
  });

  test('judges each target once, whatever hits follow', () => {
    const { round, clock } = startRound();
    clock.now += 400;
    const first = round.judge(8);
    expect(round.judge(0)).toBe(first);
    expect(round.judge(0, 0)).toBe(first);
    round.proceed(first);
    expect(round.judge(0, 0)).toBe(first);
    expect(round.remaining).toBe(TARGETS_PER_ROUND - 1);
  });

  test('lights the next target only after the last is settled, and starts its time then', () => {
    const { round, clock } = startRound();
    clock.now += 400;
    const first = round.judge(0);
    expect(round.lit()).toBeUndefined();
    clock.now += 60_000;
    round.proceed(first);
    const { cell, expiresInMs } = lit(round);
    expect(expiresInMs).toBe(TARGET_LIFETIME_MS);
    clock.now += 250;
    expect(round.judge(cell)).toMatchObject({ target: 1, verdict: 'hit', reactionMs: 250 });
  });

  test('does not skip an unsettled target if an earlier one is settled again', () => {
    const { round, clock } = startRound();
    clock.now += 400;
    const first = round.judge(0);
    round.proceed(first);
    clock.now += 400;
    const second = round.judge(lit(round).cell);
    round.proceed(first);
    expect(round.lit()).toBeUndefined();
    round.proceed(second);
    expect(lit(round).target).toBe(2);
  });

  test('refuses a target that it has not shown', () => {
    const { round, clock } = startRound();
    clock.now += 400;
    expect(() => round.judge(0, 1)).toThrow(expect.objectContaining({ reason: 'TARGET_INVALID' }));
    round.judge(0);
    expect(() => round.judge(0, 1)).toThrow(expect.objectContaining({ reason: 'TARGET_INVALID' }));
  });

  test('rewards hits in a row, and starts the streak over after a miss', () => {
    const { round, clock } = startRound();
    const points: number[] = [];
    for (const isRight of [true, true, true, false, true]) {
      clock.now += 1_000;
      const { cell } = lit(round);
      const outcome = round.judge(isRight ? cell : (cell + 1) % CELLS);
      points.push(outcome.points);
      round.proceed(outcome);
    }
    const [first = 0, second = 0, third = 0, missed, again] = points;
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
    expect(missed).toBe(0);
    expect(again).toBe(first);
  });

  test('answers a repeat of its last hit after its end', () => {
    const { round, clock } = startRound();
    let outcome: Outcome | undefined;
    for (let target = 0; target < TARGETS_PER_ROUND; target += 1) {
      clock.now += 400;
      outcome = round.judge(lit(round).cell);
      round.proceed(outcome);
    }
    expect(round.remaining).toBe(0);
    expect(round.lit()).toBeUndefined();
    expect(round.judge(3)).toBe(outcome);
  });
});

describe('any play of a round', () => {
  const step = fc.record({
    waitMs: fc.integer({ min: 0, max: TARGET_LIFETIME_MS + 1_000 }),
    /** Of the lit target, if any; else any cell. */
    aimsRight: fc.boolean(),
    cell: fc.nat({ max: CELLS - 1 }),
    target: fc.option(fc.nat({ max: TARGETS_PER_ROUND - 1 }), { nil: undefined }),
    settles: fc.boolean(),
  });

  test('keeps outcomes, order and limits', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (steps, numbers) => {
        const { round, clock } = startRound((limit) => (numbers.next().value ?? 0) % limit);
        const outcomes = new Map<number, Outcome>();
        let latest: Outcome | undefined;
        let shown = lit(round);
        for (const { waitMs, aimsRight, cell, target, settles } of steps) {
          clock.now += waitMs;
          const before = round.lit();
          let outcome: Outcome;
          try {
            outcome = round.judge(aimsRight && before !== undefined ? before.cell : cell, target);
          } catch (error) {
            // Only for a target that was never shown.
            expect(error).toMatchObject({ reason: 'TARGET_INVALID' });
            expect(target).toBeGreaterThan(shown.target);
            continue;
          }
          // The first judgement stands, and earned points come from a human hit on the lit cell alone.
          const known = outcomes.get(outcome.target);
          if (known !== undefined) expect(outcome).toBe(known);
          else {
            expect(outcome.target).toBe(before?.target);
            latest = outcome;
          }
          outcomes.set(outcome.target, outcome);
          if (outcome.points > 0) {
            expect(outcome.verdict).toBe('hit');
            expect(outcome.points).toBeLessThanOrEqual(MAX_POINTS);
            expect(outcome.reactionMs).toBeGreaterThanOrEqual(FASTEST_HUMAN_MS);
            expect(outcome.reactionMs).toBeLessThanOrEqual(TARGET_LIFETIME_MS);
          }
          expect(round.remaining).toBe(TARGETS_PER_ROUND - outcomes.size);
          if (settles && latest !== undefined) round.proceed(latest);
          const now = round.lit();
          if (now !== undefined && now.target !== shown.target) {
            expect(now.target).toBe(shown.target + 1);
            expect(now.cell).not.toBe(shown.cell);
            expect(now.cell).toBeLessThan(CELLS);
            shown = now;
          }
        }
      }),
    );
  });
});
