/** The commands that correct scores: the requests that they make and their output. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { CorrectScoreResponseSchema } from '../../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { runWords } from '../fake-session.ts';

const answer = create(CorrectScoreResponseSchema, {
  leaderboard: 'laps',
  scoreBefore: 5n,
  scoreAfter: 3n,
  version: 4n,
});
const correctScore = () => answer;
const WHY = ['--reason', 'a bug', '--operation', 'op1'];

describe('a correction', () => {
  it.each([
    [['adjust', 'laps', 'ada', '-2'], { leaderboard: 'laps', change: { case: 'adjustBy', value: -2n } }],
    [['adjust', 'laps', 'ada', '+2'], { leaderboard: 'laps', change: { case: 'adjustBy', value: 2n } }],
    [['set', 'laps', 'ada', '0'], { leaderboard: 'laps', change: { case: 'setTo', value: 0n } }],
    [['void', 'ada', 'a1'], { change: { case: 'voidAction', value: 'a1' } }],
    [['remove', 'laps', 'ada'], { leaderboard: 'laps', change: { case: 'remove', value: true } }],
    [['restore', 'laps', 'ada'], { leaderboard: 'laps', change: { case: 'restore', value: true } }],
  ])('is asked for by %s', async (words, request) => {
    const ran = await runWords(['scores', ...words, ...WHY], { correctScore });
    expect(ran).toMatchObject({ code: 0, errors: '', output: 'laps\tada\t5\t→\t3\noperation op1\n' });
    const common = { userId: 'ada', reason: 'a bug', operationId: 'op1', operator: expect.any(String) };
    expect(ran.asked).toEqual([['correctScore', { ...common, ...request }]]);
  });

  it('is printed as JSON too, with null for no score', async () => {
    const removed = create(CorrectScoreResponseSchema, {
      leaderboard: 'laps',
      scoreBefore: 5n,
      version: 4n,
      replayed: true,
    });
    const ran = await runWords(['scores', 'remove', 'laps', 'ada', ...WHY, '--json'], {
      correctScore: () => removed,
    });
    expect(JSON.parse(ran.output)).toEqual({
      ...{
        board: 'laps',
        userId: 'ada',
        before: 5,
        after: null,
        version: 4,
        replayed: true,
        operationId: 'op1',
      },
    });
  });

  it('has an operation id of its own, which a failure tells', async () => {
    const ran = await runWords(['scores', 'remove', 'laps', 'ada', '--reason', 'a bug'], {
      correctScore: () => {
        throw new AppError('DEADLINE_EXCEEDED');
      },
    });
    const [[, request] = []] = ran.asked;
    const { operationId } = request as { operationId: string };
    expect(operationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(ran.code).toBe(1);
    expect(ran.errors).toContain(`--operation ${operationId}`);
  });

  it.each([
    [['adjust', 'laps', 'ada', '0', ...WHY], 'with or without a sign, and not 0'],
    [['adjust', 'laps', 'ada', '1.5', ...WHY], 'It must be a whole number'],
    [['set', 'laps', 'ada', '-1', ...WHY], 'It must be a whole number from 0 to 2^53-1.'],
    [['set', '', 'ada', '1', ...WHY], 'It must be the name of a board.'],
    [['void', 'ada', 'no id', ...WHY], 'The action id does not match'],
    [['remove', 'laps', 'ada'], "required option '--reason <text>' not specified"],
  ])('is asked for in vain by %s: code 2', async (words, said) => {
    const ran = await runWords(['scores', ...words]);
    expect(ran.code).toBe(2);
    expect(ran.errors).toContain(said);
  });
});
