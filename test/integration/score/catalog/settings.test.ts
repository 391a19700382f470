/** The settings of boards through the operator's methods of two real score services on one real Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSentAgain, sentAgain } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type LimitsWorld, startLimitsWorld, told } from '../../../support/worlds/score/limits-world.ts';
import { reasonOf } from '../../../support/worlds/score/score-calls.ts';

const call = { limitMs: 10_000 };
let world: LimitsWorld;
let boards = 0;

beforeAll(async () => {
  world = await startLimitsWorld();
});
afterAll(() => world?.stop());

const newName = () => {
  boards += 1;
  return `board-${boards}`;
};
const create = (name: string, settings: Record<string, string | number> = {}) =>
  world.boardsAs('cli').createBoard({ name, ...settings }, call);
const set = (name: string, change: Record<string, string | number>) =>
  world.boardsAs('cli').setBoard({ name, ...change }, call);

/** The reason of a refusal, or the new score; sent again while a busy machine refuses it. */
const score = (leaderboard: string, points: number, service = 0) => {
  const submission = { leaderboard, userId: 'ada', actionId: crypto.randomUUID(), points: BigInt(points) };
  return waitFor(async () => {
    const { outcomes } = await sentAgain(() =>
      world.scoreAs('game', service).submitScores({ submissions: [submission] }, call),
    );
    const answers = outcomes.map(told);
    return answers.some(isSentAgain) ? undefined : answers[0];
  });
};

describe('a board', () => {
  it('is created with its settings, once, and listed', async () => {
    const name = newName();
    const settings = { operator: 'best', order: 'ascending', decimals: 3, unit: 's' };
    expect((await create(name, settings)).board).toMatchObject({
      name,
      ...settings,
      state: 'open',
      hasScores: false,
    });
    expect(await reasonOf(create(name))).toBe('BOARD_EXISTS');
    const { boards: found } = await world.boardsAs('edge').listBoards({ name }, call);
    expect(found).toMatchObject([{ name, ...settings, state: 'open' }]);
  });

  it('changes its kind until it has a score, and its unit and state for ever', async () => {
    const name = newName();
    await create(name);
    expect((await set(name, { operator: 'best', order: 'ascending', decimals: 2 })).board).toMatchObject({
      ...{ operator: 'best', order: 'ascending', decimals: 2 },
    });
    expect(await score(name, 30)).toBe(30);
    expect(await score(name, 20, 1)).toBe(20);
    for (const change of [{ operator: 'sum' }, { order: 'descending' }, { decimals: 3 }]) {
      expect(await reasonOf(set(name, change))).toBe('BOARD_HAS_SCORES');
    }
    const same = { operator: 'best', order: 'ascending', decimals: 2, unit: 'ms' };
    expect((await set(name, same)).board).toMatchObject({ ...same, hasScores: true });
  });

  it('is deleted while it has no score, and may come back', async () => {
    const remove = (name: string) => world.boardsAs('cli').deleteBoard({ name }, call);
    const name = newName();
    await create(name, { operator: 'best' });
    await remove(name);
    expect(await reasonOf(remove(name))).toBe('BOARD_NOT_FOUND');
    expect((await world.boardsAs('edge').listBoards({ name }, call)).boards).toEqual([]);
    expect((await create(name, { operator: 'last' })).board).toMatchObject({ operator: 'last' });
    expect(await score(name, 7)).toBe(7);
    expect(await reasonOf(remove(name))).toBe('BOARD_HAS_SCORES');
    expect(await reasonOf(remove('global'))).toBe('BOARD_NEEDED');
  });

  it('is closed in every process, archived, and opened again', async () => {
    const name = newName();
    expect(await score(name, 1)).toBe(1);
    for (const [state, expected] of [
      ['closed', 'BOARD_CLOSED'],
      ['open', 'number'],
      ['archived', 'BOARD_CLOSED'],
    ] as const) {
      expect((await set(name, { state })).board?.state).toBe(state);
      for (const service of [0, 1]) {
        await waitFor(async () => {
          const answer = await score(name, 1, service);
          return answer === expected || typeof answer === expected || undefined;
        });
      }
    }
    const open = await world.boardsAs('edge').listBoards({ name, openOnly: true }, call);
    expect(open.boards).toEqual([]);
  });

  it.each([
    [{ operator: 'most' }, 'BOARD_INVALID'],
    [{ order: 'up' }, 'BOARD_INVALID'],
    [{ decimals: 7 }, 'BOARD_INVALID'],
    [{ unit: 'seventeen letters' }, 'BOARD_INVALID'],
    [{ unit: 'two\nlines' }, 'BOARD_INVALID'],
  ])('is not created or changed with %j', async (settings, reason) => {
    const name = newName();
    expect(await reasonOf(create(name, settings))).toBe(reason);
    expect(await reasonOf(set('global', settings))).toBe(reason);
    const { boards: found } = await world.boardsAs('cli').listBoards({ name }, call);
    expect(found).toEqual([]);
  });

  it('needs a name, and to exist before it is changed', async () => {
    expect(await reasonOf(create(''))).toBe('LEADERBOARD_INVALID');
    expect(await reasonOf(create('a b'))).toBe('LEADERBOARD_INVALID');
    expect(await reasonOf(set('unknown', { unit: 's' }))).toBe('BOARD_NOT_FOUND');
  });

  it('that the operator and a first score create at once is of one kind in every process', async () => {
    const names = Array.from({ length: 12 }, newName);
    for (const name of names) {
      const [created, ...scores] = await Promise.all([
        reasonOf(create(name, { operator: 'best' })),
        ...[0, 1].map((service) => score(name, 5, service)),
      ]);
      const last = await score(name, 3, 0);
      expect(await world.sql`select distinct operator from scores where leaderboard = ${name}`).toEqual([
        { operator: created === 'accepted' ? 'best' : 'sum' },
      ]);
      // Both services have judged by the same kind.
      expect([...scores, last]).toEqual(
        expect.arrayContaining(created === 'accepted' ? [5, 5, 5] : [5, 10, 13]),
      );
    }
  });
});

describe('the list', () => {
  it('comes in pages, in the order of names, and has the default board', async () => {
    await Promise.all(['page-a', 'page-b', 'page-c'].map((name) => create(name)));
    const page = async (after: string) =>
      (await world.boardsAs('cli').listBoards({ after, limit: 2 }, call)).boards.map(({ name }) => name);
    expect(await page('page-')).toEqual(['page-a', 'page-b']);
    expect((await page('page-b'))[0]).toBe('page-c');
    const { boards: global } = await world.boardsAs('cli').listBoards({ name: 'global' }, call);
    expect(global).toMatchObject([
      { operator: 'sum', order: 'descending', decimals: 0, unit: '', state: 'open' },
    ]);
    expect(await reasonOf(world.boardsAs('cli').listBoards({ limit: 1_001 }, call))).toBe('LIMIT_INVALID');
  });

  it('is for the operator and the edge, and changes are for the operator', async () => {
    for (const caller of ['game', 'fanout', 'rank', 'auth'] as const) {
      expect(await reasonOf(world.boardsAs(caller).listBoards({}, call))).toBe('CALLER_NOT_ALLOWED');
    }
    for (const caller of ['edge', 'game'] as const) {
      expect(await reasonOf(world.boardsAs(caller).createBoard({ name: 'mine' }, call))).toBe(
        'CALLER_NOT_ALLOWED',
      );
      expect(await reasonOf(world.boardsAs(caller).setBoard({ name: 'global' }, call))).toBe(
        'CALLER_NOT_ALLOWED',
      );
    }
  });
});
