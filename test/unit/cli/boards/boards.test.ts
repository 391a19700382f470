/** The commands of boards: the requests that they make and their output. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { BoardSchema, ListBoardsResponseSchema } from '../../../../gen/scoreboard/score/v1/boards_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { runWords } from '../fake-session.ts';

const LAPS = { name: 'laps', operator: 'best', order: 'ascending', decimals: 3, unit: 's', state: 'open' };
const board = create(BoardSchema, { ...LAPS, hasScores: true, createdAtUnixMs: 1_000n });
const HEADINGS = 'board\toperator\torder\tdecimals\tunit\tstate\tscores\tcreated\n';
const LINE = 'laps\tbest\tascending\t3\ts\topen\tyes\t1970-01-01T00:00:01.000Z\n';

describe('a board', () => {
  it('is created with its settings, and shown', async () => {
    const words = 'boards create laps --operator best --order ascending --decimals 3 --unit s';
    const ran = await runWords(words.split(' '), { createBoard: () => ({ board }) });
    expect(ran).toMatchObject({ code: 0, errors: '', output: HEADINGS + LINE });
    const settings = { operator: 'best', order: 'ascending', decimals: 3, unit: 's' };
    expect(ran.asked).toEqual([['createBoard', { name: 'laps', ...settings }]]);
  });

  it('is not created twice: code 1, with the reason in words', async () => {
    const createBoard = () => {
      throw new AppError('BOARD_EXISTS');
    };
    const ran = await runWords(['boards', 'create', 'laps'], { createBoard });
    expect(ran).toMatchObject({ code: 1, errors: 'There is a board of this name already.\n' });
  });

  it.each([
    [['set', 'laps', '--unit', 'ms', '--state', 'open'], { unit: 'ms', state: 'open' }],
    [['close', 'laps'], { state: 'closed' }],
    [['archive', 'laps'], { state: 'archived' }],
  ])('is changed by %j', async (words, change) => {
    const ran = await runWords(['boards', ...words], { setBoard: () => ({ board }) });
    expect(ran).toMatchObject({ code: 0, output: HEADINGS + LINE });
    expect(ran.asked).toEqual([['setBoard', { name: 'laps', ...change }]]);
  });

  it('is deleted', async () => {
    const ran = await runWords(['boards', 'delete', 'laps'], { deleteBoard: () => ({}) });
    expect(ran).toMatchObject({
      code: 0,
      output: 'deleted laps\n',
      asked: [['deleteBoard', { name: 'laps' }]],
    });
  });

  it.each([
    [['set', 'laps'], 'give at least one setting'],
    [['create', 'laps', '--operator', 'most'], 'Allowed choices are sum, best, last'],
    [['create', 'laps', '--decimals', '7'], 'It must be a whole number from 0 to 6.'],
    [['create', 'laps', '--unit', 'a'.repeat(17)], 'A unit has at most 16 visible characters.'],
    [['create', 'no name'], 'The leaderboard id does not match'],
    [['show', ''], 'It must be the name of a board.'],
  ])('is asked for in vain by %j: code 2', async (words, said) => {
    const ran = await runWords(['boards', ...words]);
    expect(ran.code).toBe(2);
    expect(ran.errors).toContain(said);
  });

  it('is shown as JSON too; code 1 if there is none', async () => {
    const listBoards = () => create(ListBoardsResponseSchema, { boards: [board] });
    const shown = await runWords(['boards', 'show', 'laps', '--json'], { listBoards });
    const createdAt = '1970-01-01T00:00:01.000Z';
    expect(JSON.parse(shown.output)).toEqual({ board: { ...LAPS, hasScores: true, createdAt } });
    expect(shown.asked).toEqual([['listBoards', { name: 'laps' }]]);
    const none = await runWords(['boards', 'show', 'lapse'], {
      listBoards: () => create(ListBoardsResponseSchema),
    });
    expect(none).toMatchObject({ code: 1, errors: 'there is no board lapse\n' });
  });

  it('is a line of the list', async () => {
    const listBoards = () => create(ListBoardsResponseSchema, { boards: [board] });
    const ran = await runWords(['boards', 'list', '--limit', '7', '--after', 'kart'], { listBoards });
    expect(ran.output).toBe(HEADINGS + LINE);
    expect(ran.asked).toEqual([['listBoards', { limit: 7, after: 'kart' }]]);
  });
});
