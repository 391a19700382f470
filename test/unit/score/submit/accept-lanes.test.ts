import { describe, expect, it } from 'vitest';
import type { Accept } from '../../../../services/score/accept/accept-scores.ts';
import { createAcceptLanes, type QueuedAction } from '../../../../services/score/submit/accept-lanes.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import { SUM } from '../../../support/doubles/boards-of.ts';

const queued = (
  leaderboard: string,
  actionId: string,
  board: Partial<QueuedAction['board']> = {},
): QueuedAction => ({
  board: { ...SUM, isOpen: true, ...board },
  ...{ leaderboard, actionId, userId: 'ada', username: '', points: 1n, keyId: 'k1', caller: 'edge' },
  deadline: Deadline.never,
});
const accept: Accept = async () => ({ answers: [], batch: undefined });
const judge: Accept = async () => ({ answers: [], batch: undefined });

const UNSTORABLE = Object.assign(new Error('invalid byte sequence'), { code: '22021' });

/** Lanes whose answers name the lane and the action. */
function start({ isEmpty = false, judging = Promise.resolve(), unstorable = '' } = {}) {
  const asked: string[] = [];
  const batches: string[][] = [];
  const lanes = createAcceptLanes<string>({
    open: accept,
    judged: {
      isEmpty: () => isEmpty,
      concerns({ leaderboard }) {
        asked.push(leaderboard);
        return leaderboard === 'limited';
      },
      accept: judge,
    },
    async commit(actions, how) {
      if (actions.some(({ actionId }) => actionId === unstorable)) throw UNSTORABLE;
      batches.push(actions.map(({ actionId }) => actionId));
      if (how === judge) {
        await judging;
        return actions.map(({ actionId }) => (actionId === 'lost' ? undefined : `judged ${actionId}`));
      }
      return actions.map(({ actionId, leaderboard }) =>
        leaderboard === 'full' ? undefined : `open ${actionId}`,
      );
    },
    onBatch: () => {},
  });
  return { lanes, asked, batches };
}

describe('the lanes to the commit', () => {
  it('answer in order, each action by its own lane', async () => {
    const { lanes, batches } = start();
    const actions = [
      queued('limited', 'a'),
      queued('free', 'b'),
      queued('limited', 'c'),
      queued('free', 'd'),
    ];
    expect(await lanes.submitAll(actions)).toEqual(['judged a', 'open b', 'judged c', 'open d']);
    expect(batches).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  it('commit the actions beside one that Postgres refuses, and answer that one with its error', async () => {
    const { lanes, batches } = start({ unstorable: 'c' });
    const actions = ['a', 'b', 'c', 'd'].map((id) => queued('free', id));
    expect(await lanes.submitAll(actions)).toEqual(['open a', 'open b', UNSTORABLE, 'open d']);
    expect(batches).toEqual([['a', 'b'], ['d']]);
  });

  it('look up no action while there are no limits', async () => {
    const { lanes, asked } = start({ isEmpty: true });
    expect(await lanes.submitAll([queued('limited', 'a')])).toEqual(['open a']);
    expect(asked).toEqual([]);
  });

  it.each([true, false])('judge what the open lane left out, in the order given', async (isEmpty) => {
    const { lanes, batches } = start({ isEmpty });
    const actions = [queued('full', 'a'), queued('free', 'b'), queued('full', 'c'), queued('full', 'lost')];
    expect(await lanes.submitAll(actions)).toEqual([
      'judged a',
      'open b',
      'judged c',
      new AppError('INTERNAL'),
    ]);
    expect(batches).toEqual([
      ['a', 'b', 'c', 'lost'],
      ['a', 'c', 'lost'],
    ]);
  });

  it('judge the actions of a closed board, though it has no limits', async () => {
    const { lanes, asked } = start({ isEmpty: true });
    const actions = [queued('over', 'a', { isOpen: false }), queued('free', 'b')];
    expect(await lanes.submitAll(actions)).toEqual(['judged a', 'open b']);
    expect(asked).toEqual([]);
  });

  it('judge the later actions of a player on a board that does not add up, after the first and in order', async () => {
    const { lanes, batches } = start();
    const best = (leaderboard: string, actionId: string) =>
      queued(leaderboard, actionId, { operator: 'best' });
    const actions = [
      best('free', 'a'),
      queued('free', 'x'),
      best('free', 'b'),
      best('other', 'c'),
      best('free', 'd'),
    ];
    expect(await lanes.submitAll(actions)).toEqual(['open a', 'open x', 'judged b', 'open c', 'judged d']);
    expect(batches).toEqual([
      ['a', 'x', 'c'],
      ['b', 'd'],
    ]);
  });

  it('judge them behind the first also when the open lane left that out', async () => {
    const { lanes, batches } = start();
    const last = (actionId: string) => queued('full', actionId, { operator: 'last' });
    expect(await lanes.submitAll([last('a'), last('b'), last('c')])).toEqual([
      'judged a',
      'judged b',
      'judged c',
    ]);
    expect(batches).toEqual([['a'], ['a', 'b', 'c']]);
  });

  it('judge what was left out before they close', async () => {
    const { lanes } = start();
    const outcomes = lanes.submitAll([queued('full', 'a'), queued('free', 'b')]);
    await lanes.close();
    expect(await outcomes).toEqual(['judged a', 'open b']);
    expect(await lanes.submitAll([queued('full', 'a')])).toEqual([new AppError('SHUTTING_DOWN')]);
  });

  it('do not delay the open lane while the judged lane hangs', async () => {
    const { lanes } = start({ judging: new Promise(() => {}) });
    void lanes.submitAll([queued('limited', 'a')]);
    expect(await lanes.submitAll([queued('free', 'b')])).toEqual(['open b']);
  });
});
