/** The commands about what players may do: what they ask for and write. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ListFlagsResponseSchema,
  ListLimitsResponseSchema,
} from '../../../gen/scoreboard/score/v1/limits_pb.ts';
import { runWords } from './fake-session.ts';

describe('a rule', () => {
  it('is set in the units of the operator', async () => {
    const words = `limits set arena --kind boss --max-points 100 --max-window-points 500 --window 60
      --max-window-actions 9 --min-interval 250`;
    const { code, asked } = await runWords(words.split(/\s+/), { setLimits: () => ({}) });
    expect(code).toBe(0);
    const given = {
      ...{ leaderboard: 'arena', kind: 'boss', maxPoints: 100n, maxWindowPoints: 500n },
      ...{ windowMs: 60_000n, maxWindowActions: 9n, minIntervalMs: 250n },
    };
    expect(asked).toEqual([['setLimits', { limits: given }]]);
  });

  it('is taken away by one that limits nothing', async () => {
    const { asked } = await runWords(['limits', 'clear', 'arena'], { setLimits: () => ({}) });
    expect(asked).toEqual([['setLimits', { limits: { leaderboard: 'arena', kind: '' } }]]);
  });

  it('is one line', async () => {
    const limits = [
      { leaderboard: 'arena', maxPoints: 0n },
      { leaderboard: 'arena', kind: 'boss', maxWindowActions: 5n, windowMs: 1_500n, minIntervalMs: 20n },
    ];
    const listLimits = () => create(ListLimitsResponseSchema, { limits });
    const { output, asked } = await runWords(['limits', 'show', 'arena'], { listLimits });
    expect(asked).toEqual([['listLimits', { leaderboard: 'arena' }]]);
    expect(output.split('\n')).toEqual([
      'board\tkind\tmax points\tmax window points\tmax window actions\twindow s\tmin interval ms',
      ...['arena\t-\t0\t-\t-\t-\t-', 'arena\tboss\t-\t-\t5\t1.5\t20', ''],
    ]);
    expect((await runWords(['limits', 'show'], { listLimits })).asked[0]?.[1]).toEqual({ leaderboard: '' });
  });
});

describe('flags', () => {
  it('are one line each, and how many there are', async () => {
    const flag = { leaderboard: 'arena', userId: 'bob', reason: 'FAST', times: 3n, detail: '90 actions' };
    const times = { firstAtUnixMs: 0n, lastAtUnixMs: 1_000n };
    const listFlags = () => create(ListFlagsResponseSchema, { flags: [{ ...flag, ...times }], total: 4n });
    const { output, asked } = await runWords(['flags', 'list', '--limit', '7'], { listFlags });
    expect(asked).toEqual([['listFlags', { limit: 7 }]]);
    expect(output.split('\n').slice(1)).toEqual([
      'arena\tbob\tFAST\t3\t1970-01-01T00:00:00.000Z\t1970-01-01T00:00:01.000Z\t90 actions',
      ...['4 flags', ''],
    ]);
  });

  it('are forgotten of one player, or of all', async () => {
    const clearFlags = () => ({ cleared: 2n });
    const one = await runWords(['flags', 'clear', 'bob'], { clearFlags });
    expect(one).toMatchObject({ output: '2 cleared\n', asked: [['clearFlags', { userId: 'bob' }]] });
    const all = await runWords(['flags', 'clear', '--all'], { clearFlags });
    expect(all.asked).toEqual([['clearFlags', { userId: '' }]]);
  });
});

describe('quarantine', () => {
  it('ends with code 1 when nothing changed', async () => {
    for (const [words, method] of [
      [['quarantine', 'bob'], 'quarantinePlayer'],
      [['release', 'bob'], 'releasePlayer'],
    ] as const) {
      for (const changed of [true, false]) {
        const ran = await runWords(words, { [method]: () => ({ changed }) });
        expect(ran).toMatchObject({ code: changed ? 0 : 1, asked: [[method, { userId: 'bob' }]] });
      }
    }
  });

  it('is listed below a heading, as other lists are', async () => {
    const list = (userIds: string[]) =>
      runWords(['quarantine', '--list'], { listQuarantined: () => ({ userIds }) });
    expect(await list(['bob', 'eve'])).toMatchObject({ code: 0, output: 'player\nbob\neve\n' });
    expect(await list([])).toMatchObject({ code: 0, output: 'player\n' });
  });
});
