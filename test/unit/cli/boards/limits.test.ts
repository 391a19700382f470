/** The commands of limits, flags and quarantine: the requests that they make and their output. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ListFlagsResponseSchema,
  ListLimitsResponseSchema,
} from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { runWords } from '../fake-session.ts';

describe('a rule', () => {
  it('is set in the units of the operator', async () => {
    const words = `limits set arena --kind boss --max-points 100 --max-window-points 500 --window 60
      --max-window-actions 9 --min-interval 250`;
    const answers = { setLimits: () => ({}), findBoard: () => ({ known: true }) };
    const { code, asked, output, errors } = await runWords(words.split(/\s+/), answers);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toBe('limits set for arena, actions of the kind boss\n');
    const given = {
      ...{ leaderboard: 'arena', kind: 'boss', maxPoints: 100n, maxWindowPoints: 500n },
      ...{ windowMs: 60_000n, maxWindowActions: 9n, minIntervalMs: 250n },
    };
    expect(asked[0]).toEqual(['setLimits', { limits: given }]);
  });

  it('of a board without a score is set, with a note', async () => {
    const answers = { setLimits: () => ({}), findBoard: () => ({ known: false }) };
    expect(await runWords(['limits', 'set', 'arean', '--max-points', '1'], answers)).toMatchObject({
      ...{ code: 0, output: 'limits set for arean\n' },
      errors: 'note: no score on the board arean has counted yet\n',
    });
  });

  it('is removed by an empty rule; code 1 if there is none', async () => {
    const listLimits = () => create(ListLimitsResponseSchema, { limits: [{ leaderboard: 'arena' }] });
    const clear = (...words: string[]) =>
      runWords(['limits', 'clear', 'arena', ...words], { listLimits, setLimits: () => ({}) });
    const { asked, output } = await clear();
    expect(asked[1]).toEqual(['setLimits', { limits: { leaderboard: 'arena', kind: '' } }]);
    expect(output).toBe('limits cleared for arena\n');
    expect(await clear('--kind', 'boss')).toMatchObject({
      ...{ code: 1, output: 'there were no limits for arena, actions of the kind boss\n' },
      asked: [['listLimits', { leaderboard: 'arena' }]],
    });
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

  it('are cleared for one player, or for all', async () => {
    const clearFlags = () => ({ cleared: 2n });
    const one = await runWords(['flags', 'clear', 'bob'], { clearFlags });
    expect(one).toMatchObject({ output: '2 cleared\n', asked: [['clearFlags', { userId: 'bob' }]] });
    const all = await runWords(['flags', 'clear', '--all'], { clearFlags });
    expect(all.asked).toEqual([['clearFlags', { userId: '' }]]);
  });
});

describe('quarantine', () => {
  const findPlayer = () => ({ known: true });

  it.each([
    ['quarantine', 'quarantinePlayer', true, 'bob is in quarantine now'],
    ['quarantine', 'quarantinePlayer', false, 'bob was in quarantine already'],
    ['release', 'releasePlayer', true, 'bob is released'],
    ['release', 'releasePlayer', false, 'bob was not in quarantine'],
  ])('%s by %s, changed: %j, prints "%s"; code 1 if nothing changed', async (...row) => {
    const [command, method, changed, text] = row;
    const ran = await runWords([command, 'bob'], { [method]: () => ({ changed }), findPlayer });
    expect(ran).toMatchObject({ code: changed ? 0 : 1, output: `${text}\n`, errors: '' });
    expect(ran.asked[0]).toEqual([method, { userId: 'bob' }]);
  });

  it('of a player without data is made, with a note', async () => {
    const answers = { quarantinePlayer: () => ({ changed: true }), findPlayer: () => ({ known: false }) };
    expect(await runWords(['quarantine', 'bbo'], answers)).toMatchObject({
      ...{ code: 0, errors: 'note: no player bbo has signed in or scored yet\n' },
    });
  });

  it('is reported as made although an older service does not know who has data', async () => {
    const answers = {
      quarantinePlayer: () => ({ changed: true }),
      findPlayer: () => {
        throw new Error('no such method');
      },
    };
    expect(await runWords(['quarantine', 'bob'], answers)).toMatchObject({ code: 0, errors: '' });
  });

  it('is listed below a heading, as other lists are', async () => {
    const list = (userIds: string[]) =>
      runWords(['quarantine', '--list'], { listQuarantined: () => ({ userIds }) });
    expect(await list(['bob', 'eve'])).toMatchObject({ code: 0, output: 'player\nbob\neve\n' });
    expect(await list([])).toMatchObject({ code: 0, output: 'player\n' });
  });
});
