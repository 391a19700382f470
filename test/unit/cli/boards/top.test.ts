/** The command that reads a board: its requests and its output. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ListEntriesResponseSchema } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { runWords } from '../fake-session.ts';

const ENTRIES = [
  { rank: 7n, userId: 'ada', username: 'Ada L', score: 12n },
  { rank: 8n, userId: 'bob', username: 'Bob', score: 2n ** 53n - 1n },
];
const pageOf = (next: string) => ({
  listEntries: () => create(ListEntriesResponseSchema, { entries: ENTRIES, players: 9n, next }),
});
const LINES = 'rank\tuser\tname\tscore\n7\tada\tAda L\t12\n8\tbob\tBob\t9007199254740991\n';

describe('a page of a board', () => {
  it('is a line for each player, and the next page is named apart from them', async () => {
    const ran = await runWords(['top', 'laps', '--limit', '2'], pageOf('c_1'));
    expect(ran).toMatchObject({ code: 0, output: LINES });
    expect(ran.errors).toBe('of 9 players; the next page: --after c_1\n');
    expect(ran.asked).toEqual([
      ['listEntries', { leaderboard: 'laps', limit: 2, start: { case: undefined } }],
    ]);
    expect(await runWords(['top'], pageOf(''))).toMatchObject({ code: 0, output: LINES, errors: '' });
  });

  it('is JSON too', async () => {
    const { output } = await runWords(['top', '--json'], pageOf(''));
    const entries = ENTRIES.map((each) => ({ ...each, rank: Number(each.rank), score: Number(each.score) }));
    expect(JSON.parse(output)).toEqual({ entries, players: 9, next: null });
    expect(JSON.parse((await runWords(['top', '--json'], pageOf('c'))).output)).toMatchObject({ next: 'c' });
  });

  it.each([
    [['--from', '101'], { case: 'fromRank', value: 101n }],
    [['--after', 'c_1'], { case: 'cursor', value: 'c_1' }],
    [['--around', 'ada'], { case: 'aroundUserId', value: 'ada' }],
  ])('begins as %j says', async (words, start) => {
    const { asked } = await runWords(['top', ...words], pageOf(''));
    expect(asked).toEqual([['listEntries', { leaderboard: 'global', limit: 10, start }]]);
  });

  it.each([
    [['no board'], 'The leaderboard id does not match'],
    [['--limit', '101'], 'It must be a number from 1 to 100.'],
    [['--limit', '0'], 'It must be a number from 1 to 100.'],
    [['--from', '0'], 'ranks count from 1'],
    [['--around', 'a b'], 'The user id'],
    [['--from', '2', '--after', 'c'], 'cannot be used with option'],
  ])('is asked for in vain by %j: code 2', async (words, said) => {
    const ran = await runWords(['top', ...words]);
    expect(ran.code).toBe(2);
    expect(ran.errors).toContain(said);
  });
});
