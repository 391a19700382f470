/** Boards of each operator and order, through two real score services, two rank services, Postgres and Redis. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoardKind } from '../../../../services/shared/values/board.ts';
import { sentAgain } from '../../../support/clients/sent-again.ts';
import { foldScore } from '../../../support/fold-score.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  action,
  type LimitsWorld,
  startLimitsWorld,
  told,
} from '../../../support/worlds/score/limits-world.ts';
import { answerOf, createBoardCalls, type Given, send } from './board-calls.ts';
import { foldLedger, orderOf } from './board-model.ts';

const call = { limitMs: 10_000 };
const OPERATORS = ['sum', 'best', 'last'] as const;
const ORDERS = ['descending', 'ascending'] as const;
const KINDS = OPERATORS.flatMap((operator) => ORDERS.map((order): BoardKind => ({ operator, order })));

let world: LimitsWorld;
let boardCalls: ReturnType<typeof createBoardCalls>;
let boards = 0;

beforeAll(async () => {
  world = await startLimitsWorld();
  boardCalls = createBoardCalls(world);
});
afterAll(() => world?.stop());

async function boardOf({ operator, order }: BoardKind): Promise<string> {
  boards += 1;
  const name = `${operator}-${order}-${boards}`;
  await world.sql`insert into boards (name, operator, sort_order) values (${name}, ${operator}, ${order})`;
  return name;
}

describe.each(KINDS)('a board of the kind $operator, $order', (kind) => {
  const batches = fc.array(
    fc.record({
      service: fc.constantFrom(0, 1),
      // Concurrent calls when true: then only the ledger tells the order.
      isAlone: fc.boolean(),
      given: fc.array(
        fc.record({
          userId: fc.constantFrom('ada', 'bob', 'cy'),
          id: fc.integer({ min: 1, max: 9 }),
          points: fc.integer({ min: 0, max: 4 }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    }),
    { minLength: 1, maxLength: 6 },
  );

  it('has the fold of its actions in order of acceptance, and every repeat gets its first answer', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (calls) => {
        const board = await boardOf(kind);
        const firsts = new Map<string, unknown>();
        let concurrent: Promise<void>[] = [];
        const sendAndNote = async (given: readonly Given[], service: number) => {
          const answers = await boardCalls.submit(board, given, service);
          for (const [at, answer] of answers.entries()) {
            const key = `${given[at]?.userId} ${given[at]?.actionId}`;
            if (firsts.has(key)) expect(answerOf(answer)).toEqual(firsts.get(key));
            else firsts.set(key, answerOf(answer));
          }
        };
        for (const { service, isAlone, given } of calls) {
          // An id always names the same action. A user is new on each board, since an id counts once for ever.
          const actions = given.map(({ userId, id, points }) => ({
            ...{ userId: `${userId}-${board}`, actionId: `a${id}-${points}`, points: BigInt(points) },
          }));
          concurrent.push(sendAndNote(actions, service));
          if (!isAlone) continue;
          await Promise.all(concurrent);
          concurrent = [];
        }
        await Promise.all(concurrent);

        const rows = await boardCalls.ledgerOf(board);
        const { standings, answers } = foldLedger(kind, rows);
        expect(rows.map(({ score_after }) => score_after)).toEqual(
          rows.map((row) => answers.get(`${row.user_id} ${row.action_id}`)?.newScore),
        );
        expect(Object.fromEntries(firsts)).toEqual(Object.fromEntries(answers));
        await boardCalls.untilShown(board, orderOf(kind, standings));
        const repeats = rows.map(({ user_id: userId, action_id: actionId, points }) => ({
          userId,
          actionId,
          points,
        }));
        for (const service of [0, 1]) {
          const again = await boardCalls.submit(board, repeats, service);
          expect(again.every(({ replayed }) => replayed)).toBe(true);
          expect(again.map(answerOf)).toEqual(
            repeats.map((each) => answers.get(`${each.userId} ${each.actionId}`)),
          );
        }
      }),
      { numRuns: 3 },
    );
  });

  it('keeps the order within a call, however large it is', async () => {
    const board = await boardOf(kind);
    const given = Array.from({ length: 300 }, (_, n) => ({
      ...{ userId: `ada-${board}`, actionId: `a${n}`, points: BigInt((n * 7) % 31) },
    }));
    const answers = await boardCalls.submit(board, given, 0);
    let score: bigint | undefined;
    for (const [at, { points }] of given.entries()) {
      score = foldScore(kind, score, points);
      expect(answers[at]).toMatchObject({ newScore: score, version: BigInt(at + 1) });
    }
  });

  it('takes actions of one player from both services at once, each exactly once', async () => {
    const board = await boardOf(kind);
    const given = Array.from({ length: 40 }, (_, n) => ({
      ...{ userId: `ada-${board}`, actionId: `a${n}`, points: BigInt((n * 7) % 31) },
    }));
    const answers = await Promise.all(given.map((each, n) => boardCalls.submit(board, [each], n % 2)));
    const { answers: expected } = foldLedger(kind, await boardCalls.ledgerOf(board));
    expect(answers.map(([answer]) => answer && answerOf(answer))).toEqual(
      given.map(({ userId, actionId }) => expected.get(`${userId} ${actionId}`)),
    );
  });
});

describe('a best score', () => {
  it.each(ORDERS)('that only equals the standing one keeps the place among equals: %s', async (order) => {
    const board = await boardOf({ operator: 'best', order });
    const [ada, bob] = [`ada-${board}`, `bob-${board}`];
    await boardCalls.submit(board, [{ userId: ada, actionId: 'a1', points: 5n }], 0);
    await boardCalls.submit(board, [{ userId: bob, actionId: 'b1', points: 5n }], 0);
    const [equal] = await boardCalls.submit(board, [{ userId: ada, actionId: 'a2', points: 5n }], 1);
    expect(equal).toMatchObject({ newScore: 5n, version: 2n, changed: false });
    const place = await waitFor(async () => {
      const query = { leaderboard: board, userId: ada, minVersion: 2n, radius: 1 };
      const { outcomes } = await sentAgain(() => world.rankAs('edge').getPlaces({ queries: [query] }, call));
      return outcomes[0]?.result.case === 'place' ? outcomes[0].result.value : undefined;
    });
    expect(place.entries.map(({ userId }) => userId)).toEqual([ada, bob]);
  });

  it('comes with its rank, in either order', async () => {
    const board = await boardOf({ operator: 'best', order: 'ascending' });
    const runs = [30n, 10n, 20n].map((points, n) => ({ userId: `p${n}-${board}`, actionId: 'a1', points }));
    for (const [at, run] of runs.entries()) await boardCalls.submit(board, [run], at % 2);
    const place = (n: number, score: bigint, rank: bigint) => [`p${n}-${board}`, score, rank];
    await boardCalls.untilShown(board, [place(1, 10n, 1n), place(2, 20n, 2n), place(0, 30n, 3n)]);
    const [slower] = await boardCalls.submit(
      board,
      [{ userId: `p1-${board}`, actionId: 'a2', points: 40n }],
      0,
    );
    expect(slower).toMatchObject({ newScore: 10n, changed: false });
  });
});

describe('the first score of a board', () => {
  it('creates an unknown board that adds up, before the score is committed', async () => {
    const board = `unknown-${crypto.randomUUID()}`;
    expect(await world.submitted(board, `ada-${board}`, [action('a1', 5n), action('a2', 4n)])).toEqual([
      5, 9,
    ]);
    expect(
      await world.sql`select operator, sort_order, state, has_scores from boards where name = ${board}`,
    ).toEqual([{ operator: 'sum', sort_order: 'descending', state: 'open', has_scores: true }]);
  });

  it('is refused with BOARD_NOT_FOUND by a service that creates none, before the signature is looked at', async () => {
    const strict = await world.startScoreService({ boardsByFirstScore: false, authAddress: '127.0.0.1:1' });
    try {
      const known = await boardOf({ operator: 'best', order: 'ascending' });
      const submissions = [`unknown-${crypto.randomUUID()}`, known].map((leaderboard) => ({
        ...{ leaderboard, userId: `ada-${known}`, actionId: 'a1', points: 1n },
      }));
      const byGame = await send(world.scoreAt(strict.port, 'game'), submissions);
      expect(byGame.map(told)).toEqual(['BOARD_NOT_FOUND', 1]);
      // There is no auth service that could look at the signature.
      const signed = submissions.slice(0, 1).map((each) => ({ ...each, signature: 'v1.of.nobody' }));
      expect((await send(world.scoreAt(strict.port, 'edge'), signed)).map(told)).toEqual(['BOARD_NOT_FOUND']);
    } finally {
      await strict.stop();
    }
  });
});

describe('a closed board', () => {
  it('refuses scores, answers repeats, and takes scores again once it is open', async () => {
    const board = await boardOf({ operator: 'last', order: 'descending' });
    const userId = `ada-${board}`;
    const [first, later] = [
      { ...action('a1', 7n), userId },
      { ...action('a2', 8n), userId },
    ];
    expect(await boardCalls.tell(board, [first])).toEqual([7]);
    const untilTold = async (state: string, expected: unknown) => {
      await world.sql`update boards set state = ${state} where name = ${board}`;
      for (const service of [0, 1]) {
        await waitFor(async () => {
          const probe = { ...action(`p-${crypto.randomUUID()}`, 7n), userId };
          return (await boardCalls.tell(board, [probe], service))[0] === expected || undefined;
        });
      }
    };
    await untilTold('closed', 'BOARD_CLOSED');
    expect(await boardCalls.tell(board, [first, later], 1)).toEqual([7, 'BOARD_CLOSED']);
    await untilTold('archived', 'BOARD_CLOSED');
    await untilTold('open', 7);
    expect(await boardCalls.tell(board, [later])).toEqual([8]);
  });
});

describe('a board where less is better', () => {
  it('is the same from Postgres while Redis is away, and from the index that is built anew', async () => {
    const board = await boardOf({ operator: 'best', order: 'ascending' });
    const runs = [30n, 0n, 20n, 20n].map((points, n) => ({
      userId: `p${n}-${board}`,
      actionId: 'a1',
      points,
    }));
    for (const [at, run] of runs.entries()) await boardCalls.submit(board, [run], at % 2);
    const place = (n: number, score: bigint, rank: bigint) => [`p${n}-${board}`, score, rank];
    const before = [place(1, 0n, 1n), place(2, 20n, 2n), place(3, 20n, 3n), place(0, 30n, 4n)];
    await boardCalls.untilShown(board, before);
    await world.killRedis();
    const [faster] = await boardCalls.submit(
      board,
      [{ userId: `p3-${board}`, actionId: 'a2', points: 10n }],
      0,
    );
    expect(faster).toMatchObject({ newScore: 10n, changed: true });
    const after = [place(1, 0n, 1n), place(3, 10n, 2n), place(2, 20n, 3n), place(0, 30n, 4n)];
    await boardCalls.untilShown(board, after);
    const around = await sentAgain(() =>
      world.rankAs('edge').listAround({ leaderboard: board, userId: `p3-${board}`, radius: 1 }, call),
    );
    expect(around.entries.map(({ userId, score, rank }) => [userId, score, rank])).toEqual(after.slice(0, 3));
    await world.startRedis();
    expect(await waitFor(boardCalls.differences, { describe: 'a rank index' })).toEqual([]);
    await boardCalls.untilShown(board, after);
  });
});
