import { describe, expect, it } from 'vitest';
import { checkRecord, type Invariant } from '../../fault/checker/check.ts';
import { addAction, FINAL, quiet } from './lies.ts';
import { LIES_ABOUT_CHEATS } from './lies-about-cheats.ts';
import { LIES_IN_AUDIT } from './lies-in-audit.ts';
import { addCorrection, LIES_IN_CORRECTIONS } from './lies-in-corrections.ts';
import { LIES_IN_REFUSALS } from './lies-in-refusals.ts';
import { LIES_IN_STORE } from './lies-in-store.ts';
import { LIES_TO_CALLERS } from './lies-to-callers.ts';
import { BOARD, board, exited, faulted, invoked, refused, repeated, submitted } from './record-events.ts';
import { BURST, correctRun, type Fixture, toRecord } from './record-fixture.ts';

/** The invariants that the run breaks after it was changed. */
function broken(change: (run: Fixture) => void): Invariant[] {
  const run = correctRun();
  change(run);
  return [...new Set(checkRecord(toRecord(run)).violations.map(({ invariant }) => invariant))];
}

describe('the checker', () => {
  it('passes a run in which everything is right, by facts for every invariant', () => {
    const { violations, judged, notRecorded } = checkRecord(toRecord(correctRun()));
    expect(violations).toEqual([]);
    expect(Object.keys(judged)).toHaveLength(21);
    // Nobody was corrected.
    expect(Object.keys(notRecorded)).toEqual(['I22']);
  });

  it('reports invariants that an empty record says nothing about as not recorded, not as kept', () => {
    const empty = correctRun();
    for (const part of Object.values(empty)) part.length = 0;
    const { judged, notRecorded } = checkRecord(toRecord(empty));
    expect(notRecorded).toHaveProperty('I13');
    expect(judged).not.toHaveProperty('I13');
  });
});

describe('the checker accepts what is no violation:', () => {
  it('a call that the edge could not answer because it was down', () => {
    expect(
      broken(({ history }) => {
        history.push(...faulted('edge', 'pause', 9_000, 14_000));
        history.push(invoked({ ...quiet, ms: 10_000, leaderboard: 'weekly' }));
        const value = { reason: 'CLIENT_TIMEOUT' };
        history.push({ proc: 'zed', op: 90, monoNs: 14e9, f: 'submit', type: 'info', value });
      }),
    ).toEqual([]);
  });

  it('a correction, which everything agrees about', () => {
    expect(broken(addCorrection)).toEqual([]);
  });

  it('a full bucket of a player at once, and one more for each restart of the edge', () => {
    expect(broken(({ history }) => history.push(...repeated(BURST)))).toEqual([]);
    expect(
      broken(({ history }) => history.push(exited('edge', 2_010, true), ...repeated(2 * BURST))),
    ).toEqual([]);
  });

  it('an attempt of a cheat that got no answer, since it did not count', () => {
    expect(
      broken(({ history }) => {
        const cheat = { ...quiet, userId: 'mal', points: 11 };
        history.push(...refused(cheat, 'STORE_UNAVAILABLE'), invoked({ ...cheat, op: 91 }));
        const value = { reason: 'OUTCOME_UNKNOWN' };
        history.push({ proc: 'mal', op: 91, monoNs: 11e9, f: 'submit', type: 'info', value });
      }),
    ).toEqual([]);
  });

  it('refusals that are true', () => {
    expect(
      broken(({ history }) => {
        const { points: _, ...later } = quiet;
        const ada = { ...later, userId: 'ada' };
        const large = { ...ada, actionId: 'b1', points: Number.MAX_SAFE_INTEGER - 8 };
        history.push(...refused(large, 'SCORE_LIMIT_REACHED'));
        history.push(...refused({ ...ada, op: 91, actionId: 'a1', points: 6 }, 'ACTION_CONFLICT'));
        // Both were under way before the action was answered that they conflict with, or repeat.
        const early = { ...ada, ms: 10, actionId: 'a1', points: Number.MAX_SAFE_INTEGER };
        history.push(...refused({ ...early, op: 92 }, 'SCORE_LIMIT_REACHED'));
      }),
    ).toEqual([]);
    expect(
      broken(({ history, conducts }) => {
        conducts.length = 0;
        const early = { ...quiet, ms: 10, userId: 'ada', actionId: 'a1', points: 5 };
        history.push(...refused(early, 'TOO_SOON'));
      }),
    ).toEqual([]);
  });

  it('actions within the rules of their board, as far as answers tell', () => {
    expect(
      broken(({ rules }) =>
        rules.push(
          { leaderboard: BOARD, kind: '', maxPoints: 9, minIntervalMs: 220 },
          { leaderboard: BOARD, kind: '', window: { ms: 1_000, maxActions: 2 } },
          { leaderboard: BOARD, kind: 'a', maxPoints: 0 },
          { leaderboard: 'weekly', kind: '', maxPoints: 0 },
        ),
      ),
    ).toEqual([]);
  });

  it('a flag for one of a hundred honest players', () => {
    expect(
      broken(({ conducts, flags }) => {
        for (let n = 0; n < 97; n += 1) conducts.push({ userId: `honest-${n}`, conduct: 'honest' });
        flags.push({ leaderboard: BOARD, userId: 'ada', reason: 'FAST' });
      }),
    ).toEqual([]);
  });

  it('a token refused by an edge whose clock is off', () => {
    expect(
      broken(({ history }) => {
        history.push(...faulted('edge', 'skew', 9_900, 10_100), ...refused(quiet, 'TOKEN_INVALID'));
      }),
    ).toEqual([]);
  });

  it('an old board on a screen that calls it stale, until everything has healed', () => {
    const change = (run: Fixture, showsAtMs: number) => {
      run.history.push(...faulted('nats', 'cut', 9_900, 20_000));
      run.history.push(...submitted({ ...quiet, userId: 'cy', newScore: 12, version: 2 }));
      addAction(run, 'cy', 'z1', 3, 12, 2);
      run.frames.push({
        socket: 'viewer',
        connection: 1,
        monoNs: 11e9,
        kind: 'stale',
        leaderboard: 'global',
        stale: true,
      });
      const entries = [{ userId: 'cy', score: 12 }, ...FINAL.filter(({ userId }) => userId !== 'cy')];
      run.frames.push(board('viewer', 1, 50, entries, { ms: showsAtMs }));
    };
    expect(broken((run) => change(run, 21_000))).toEqual([]);
    expect(broken((run) => change(run, 26_000))).toEqual(['I13']);
  });
});

describe('each false record is caught by the one invariant that it breaks', () => {
  it.each([
    ...LIES_IN_STORE,
    ...LIES_IN_REFUSALS,
    ...LIES_IN_AUDIT,
    ...LIES_TO_CALLERS,
    ...LIES_ABOUT_CHEATS,
    ...LIES_IN_CORRECTIONS,
  ])('%s: %s', (_, breaks, change) => {
    expect(broken(change)).toEqual([breaks]);
  });
});
