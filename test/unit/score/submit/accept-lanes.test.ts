import { describe, expect, it } from 'vitest';
import { acceptLimited } from '../../../../services/score/limits/accept-limited.ts';
import type { LimitedBatch } from '../../../../services/score/limits/limited-store.ts';
import {
  type Accept,
  createAcceptLanes,
  type Queued,
} from '../../../../services/score/submit/accept-lanes.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';

const queued = (leaderboard: string, actionId: string): Queued => ({
  ...{ leaderboard, actionId, userId: 'ada', username: '', points: 1n, keyId: 'k1', caller: 'edge' },
  expiresAt: Number.POSITIVE_INFINITY,
});
const accept: Accept = async () => ({ answers: [], batch: undefined });
const judge: Accept = async () => ({ answers: [], batch: undefined });

/** Lanes whose answers name the lane and the action. */
function start({ isEmpty = false, judging = Promise.resolve() } = {}) {
  const asked: string[] = [];
  const batches: string[][] = [];
  const lanes = createAcceptLanes<string>({
    accept,
    limited: {
      isEmpty: () => isEmpty,
      concerns({ leaderboard, actionId }) {
        asked.push(actionId);
        return leaderboard === 'limited';
      },
      accept: judge,
    },
    async acceptBatch(commands, how) {
      batches.push(commands.map(({ actionId }) => actionId));
      if (how === judge) {
        await judging;
        return commands.map(({ actionId }) => (actionId === 'lost' ? undefined : `judged ${actionId}`));
      }
      return commands.map(({ actionId, leaderboard }) =>
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
    const commands = [
      queued('limited', 'a'),
      queued('free', 'b'),
      queued('limited', 'c'),
      queued('free', 'd'),
    ];
    expect(await lanes.submitAll(commands)).toEqual(['judged a', 'open b', 'judged c', 'open d']);
    expect(batches).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  it('ask about no action while there are no limits', async () => {
    const { lanes, asked } = start({ isEmpty: true });
    expect(await lanes.submitAll([queued('limited', 'a')])).toEqual(['open a']);
    expect(asked).toEqual([]);
  });

  it.each([true, false])('judge what the open lane left out, in the order given', async (isEmpty) => {
    const { lanes, batches } = start({ isEmpty });
    const commands = [queued('full', 'a'), queued('free', 'b'), queued('full', 'c'), queued('full', 'lost')];
    expect(await lanes.submitAll(commands)).toEqual([
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

  it('judge what was left out before they close', async () => {
    const { lanes } = start();
    const outcomes = lanes.submitAll([queued('full', 'a'), queued('free', 'b')]);
    await lanes.close();
    expect(await outcomes).toEqual(['judged a', 'open b']);
    expect(await lanes.submitAll([queued('full', 'a')])).toEqual([new AppError('SHUTTING_DOWN')]);
  });

  it('do not hold up what is not judged', async () => {
    const { lanes } = start({ judging: new Promise(() => {}) });
    void lanes.submitAll([queued('limited', 'a')]);
    expect(await lanes.submitAll([queued('free', 'b')])).toEqual(['open b']);
  });
});

describe('accepting what is judged', () => {
  const deadline = { remainingMs: () => 1_000 };
  const index = { epoch: 1n, source: 'redis' as const, building: undefined };
  const written: LimitedBatch = {
    answers: [new AppError('TOO_SOON')],
    batch: { players: [], outboxId: undefined, index },
  };

  it('is tried again when another writer was at the same action', async () => {
    const outcomes = [undefined, written];
    const store = { accept: async () => outcomes.shift() };
    expect(await acceptLimited(store, [queued('limited', 'a')], deadline)).toBe(written);
  });

  it('gives up after a few attempts', async () => {
    const store = { accept: async () => undefined };
    await expect(acceptLimited(store, [queued('limited', 'a')], deadline)).rejects.toMatchObject({
      reason: 'OVERLOADED',
    });
  });
});
