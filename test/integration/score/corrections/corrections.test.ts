/** Corrections of scores by the operator: what they do to each kind of board, in the ledger, the index and the audit chain. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sentAgain } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  type CorrectionsWorld,
  type Request,
  startCorrectionsWorld,
} from '../../../support/worlds/score/corrections-world.ts';
import { action } from '../../../support/worlds/score/limits-world.ts';

const call = { limitMs: 30_000 };

let world: CorrectionsWorld;

beforeAll(async () => {
  world = await startCorrectionsWorld();
});
afterAll(() => world?.stop());

const adjust = (value: bigint): Request['change'] => ({ case: 'adjustBy', value });
const set = (value: bigint): Request['change'] => ({ case: 'setTo', value });
const voids = (value: string): Request['change'] => ({ case: 'voidAction', value });
const remove = { case: 'remove', value: true } as const;
const restore = { case: 'restore', value: true } as const;

/** A board with ada at 5 and bob at 4. */
async function twoPlayers(
  operator: 'sum' | 'best' | 'last' = 'sum',
  order: 'ascending' | 'descending' = 'descending',
) {
  const board = await world.createBoard({ operator, order });
  const [ada, bob] = [`ada-${board}`, `bob-${board}`];
  await world.submitted(board, ada, [action('a1', 5n)]);
  await world.submitted(board, bob, [action('b1', 4n)]);
  return { board, ada, bob };
}

describe('adjust', () => {
  it('adds to the standing score or deducts from it, and the board follows', async () => {
    const { board, ada, bob } = await twoPlayers();
    expect(await world.corrected(board, ada, adjust(-3n))).toEqual([5n, 2n]);
    await world.untilShown(board, [
      [bob, 4n],
      [ada, 2n],
    ]);
    expect(await world.corrected(board, ada, adjust(8n))).toEqual([2n, 10n]);
    await world.untilShown(board, [
      [ada, 10n],
      [bob, 4n],
    ]);
    expect(await world.submitted(board, ada, [action('a2', 1n)], 1)).toEqual([11]);
  });

  it('is refused where the score would leave its bounds, and of a player without a score', async () => {
    const { board, ada } = await twoPlayers();
    expect(await world.reasonOf(board, ada, adjust(-6n))).toBe('SCORE_OUT_OF_RANGE');
    expect(await world.reasonOf(board, ada, adjust(2n ** 53n - 5n))).toBe('SCORE_OUT_OF_RANGE');
    expect(await world.reasonOf(board, 'nobody', adjust(1n))).toBe('PLAYER_NOT_FOUND');
    expect(await world.reasonOf(`none-${board}`, ada, adjust(1n))).toBe('BOARD_NOT_FOUND');
    await world.untilShown(board, [
      [ada, 5n],
      [`bob-${board}`, 4n],
    ]);
  });
});

describe('set', () => {
  it.each([
    ['best', 'descending', 7n, 3, 8],
    ['best', 'ascending', 7n, 6, 6],
    ['last', 'descending', 7n, 6, 8],
    ['sum', 'descending', 7n, 13, 21],
  ] as const)(
    'is the standing score that later actions are combined with: %s, %s',
    async (operator, order, points, first, second) => {
      const { board, ada } = await twoPlayers(operator, order);
      expect(await world.corrected(board, ada, set(points))).toEqual([5n, points]);
      const [one] = await world.submitted(board, ada, [
        action('a2', operator === 'best' && order === 'descending' ? 3n : 6n),
      ]);
      expect(one).toBe(operator === 'best' && order === 'descending' ? 7 : first);
      expect(await world.submitted(board, ada, [action('a3', 8n)])).toEqual([second]);
    },
  );

  it('gives a score to a known player who has none, and to nobody unknown', async () => {
    const { board, ada } = await twoPlayers('best', 'ascending');
    const other = await world.createBoard({ operator: 'best', order: 'ascending' });
    expect(await world.corrected(other, ada, set(90n))).toEqual([undefined, 90n]);
    await world.untilShown(other, [[ada, 90n]]);
    expect(await world.reasonOf(board, `nobody-${board}`, set(1n))).toBe('PLAYER_NOT_FOUND');
    expect(await world.submitted(other, ada, [action('a9', 80n)])).toEqual([80]);
  });
});

describe('void', () => {
  it.each([
    ['sum', 'descending', [2n, 9n, 4n], 6n],
    ['best', 'descending', [2n, 9n, 4n], 4n],
    ['best', 'ascending', [6n, 1n, 3n], 3n],
    ['last', 'descending', [2n, 5n, 9n], 5n],
  ] as const)(
    'takes an action back as if it had never been: %s, %s',
    async (operator, order, points, left) => {
      const board = await world.createBoard({ operator, order });
      const ada = `ada-${board}`;
      for (const [at, each] of points.entries()) await world.submitted(board, ada, [action(`a${at}`, each)]);
      const wrong = operator === 'last' ? 'a2' : 'a1';
      const [, after] = await world.corrected('', ada, voids(wrong));
      expect(after).toBe(left);
      await world.untilShown(board, [[ada, left]]);
    },
  );

  it('gives the place among equals back to who reached it first without the action', async () => {
    const board = await world.createBoard({ operator: 'best', order: 'descending' });
    const [ada, bob] = [`ada-${board}`, `bob-${board}`];
    await world.submitted(board, ada, [action('a1', 5n)]);
    await world.submitted(board, bob, [action('b1', 5n)]);
    await world.submitted(board, ada, [action('a2', 9n)]);
    await world.corrected('', ada, voids('a2'));
    await world.untilShown(board, [
      [ada, 5n],
      [bob, 5n],
    ]);
    await world.corrected('', ada, voids('a1'));
    await world.untilShown(board, [[bob, 5n]]);
    await world.submitted(board, ada, [action('a3', 5n)]);
    await world.untilShown(board, [
      [bob, 5n],
      [ada, 5n],
    ]);
  });

  it('ends the id of the action: both lanes refuse a repeat, and so does another correction', async () => {
    const { board, ada, bob } = await twoPlayers();
    await world.corrected('', ada, voids('a1'));
    await world.untilShown(board, [[bob, 4n]]);
    expect(await world.submitted(board, ada, [action('a1', 5n)], 1)).toEqual(['ACTION_VOIDED']);
    expect(await world.submitted(board, ada, [action('a1', 6n)])).toEqual(['ACTION_CONFLICT']);
    await world.setLimits(board, { maxPoints: 100n });
    expect(await world.submitted(board, ada, [action('a1', 5n), action('a2', 1n)])).toEqual([
      'ACTION_VOIDED',
      1,
    ]);
    expect(await world.reasonOf('', ada, voids('a1'))).toBe('ACTION_VOIDED');
    expect(await world.reasonOf('', ada, voids('a7'))).toBe('ACTION_NOT_FOUND');
  });
});

describe('remove and restore', () => {
  it('take a player off the board, and back with all that was earned', async () => {
    const { board, ada, bob } = await twoPlayers();
    expect(await world.corrected(board, ada, remove)).toEqual([5n, undefined]);
    await world.untilShown(board, [[bob, 4n]]);
    expect(await world.placeOf(board, ada)).toBe('PLAYER_NOT_FOUND');
    expect(await world.reasonOf(board, ada, remove)).toBe('PLAYER_NOT_FOUND');
    expect(await world.submitted(board, ada, [action('a2', 3n)])).toEqual([3]);
    await world.untilShown(board, [
      [bob, 4n],
      [ada, 3n],
    ]);
    expect(await world.corrected(board, ada, restore)).toEqual([3n, 8n]);
    await world.untilShown(board, [
      [ada, 8n],
      [bob, 4n],
    ]);
    expect(await world.reasonOf(board, ada, restore)).toBe('PLAYER_NOT_REMOVED');
  });

  it('show an empty board when the last player has left', async () => {
    const { board, ada, bob } = await twoPlayers('best', 'ascending');
    await world.corrected(board, ada, remove);
    await world.corrected(board, bob, remove);
    await world.untilShown(board, []);
    await world.corrected(board, bob, restore);
    await world.untilShown(board, [[bob, 4n]]);
  });
});

describe('an operation', () => {
  it('counts once: a repeat gets the first answer, and other contents are refused', async () => {
    const { board, ada } = await twoPlayers();
    const operationId = `op-${board}`;
    const request = {
      operationId,
      leaderboard: board,
      userId: ada,
      reason: 'a bug',
      operator: 'otto',
      change: adjust(2n),
    };
    const corrections = [world.correctionsAs('cli'), world.correctionsAs('cli')];
    const answers = await Promise.all(
      corrections.map((client) => sentAgain(() => client.correctScore(request, call))),
    );
    expect(answers.map(({ scoreBefore, scoreAfter, version }) => [scoreBefore, scoreAfter, version])).toEqual(
      [
        [5n, 7n, 2n],
        [5n, 7n, 2n],
      ],
    );
    expect(answers.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
    for (const other of [
      { change: adjust(3n) },
      { change: set(2n) },
      { userId: `bob-${board}` },
      { reason: 'another' },
    ]) {
      expect(await world.reasonOfRequest({ ...request, ...other })).toBe('OPERATION_CONFLICT');
    }
    await world.untilShown(board, [
      [ada, 7n],
      [`bob-${board}`, 4n],
    ]);
  });

  it.each([
    ['OPERATION_ID_INVALID', { operationId: 'no id' }],
    ['REASON_INVALID', { reason: ' ' }],
    ['REASON_INVALID', { reason: 'two\nlines' }],
    ['LEADERBOARD_INVALID', { leaderboard: '' }],
    ['BODY_INVALID', { change: { case: undefined } }],
    ['POINTS_INVALID', { change: { case: 'adjustBy', value: 0n } }],
  ] as const)('is refused when it is malformed: %s', async (reason, wrong) => {
    const request = {
      operationId: 'x',
      leaderboard: 'b',
      userId: 'u',
      reason: 'r',
      operator: 'o',
      change: set(1n),
    };
    expect(await world.reasonOfRequest({ ...request, ...wrong } as never)).toBe(reason);
  });

  it('is nothing that another service may do', async () => {
    const request = { operationId: 'x', leaderboard: 'b', userId: 'u', reason: 'r', change: set(1n) };
    for (const name of ['edge', 'game'] as const) {
      const refused = await sentAgain(() =>
        world
          .correctionsAs(name)
          .correctScore(request, call)
          .catch((error: { reason: string }) => {
            if (error.reason === 'CALLER_NOT_ALLOWED') return error.reason;
            throw error;
          }),
      );
      expect(refused).toBe('CALLER_NOT_ALLOWED');
    }
  });
});

it('corrected boards are the same from Postgres while Redis is away, and from the index that is built anew', async () => {
  const { board, ada, bob } = await twoPlayers('best', 'ascending');
  const cy = `cy-${board}`;
  await world.submitted(board, cy, [action('c1', 9n), action('c2', 2n)]);
  await world.corrected(board, bob, remove);
  await world.corrected('', cy, voids('c2'));
  const before = [
    [ada, 5n],
    [cy, 9n],
  ] as const;
  await world.untilShown(board, before);
  await world.killRedis();
  await world.corrected(board, cy, set(1n));
  const after = [
    [cy, 1n],
    [ada, 5n],
  ] as const;
  await world.untilShown(board, after);
  expect(await world.placeOf(board, cy)).toMatchObject({ score: 1n, rank: 1n });
  expect(await world.placeOf(board, bob)).toBe('PLAYER_NOT_FOUND');
  await world.startRedis();
  await waitFor(async () => (await world.differences())?.length === 0 || undefined, {
    describe: 'a rank index',
  });
  await world.untilShown(board, after);
  expect(await world.placeOf(board, bob)).toBe('PLAYER_NOT_FOUND');
});
