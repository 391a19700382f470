/**
 * The rule of corrections, as a property: whatever actions and corrections come, alone or at once and through whichever service, each
 * standing is the fold of the player's entries in the ledger, and the boards show exactly these standings.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BoardKind, HIDDEN, toScore, WITHOUT_SCORE } from '../../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { type FoldedEntry, foldLedger } from '../../../support/fold-ledger.ts';
import {
  type CorrectionsWorld,
  type Request,
  startCorrectionsWorld,
} from '../../../support/worlds/score/corrections-world.ts';
import { action } from '../../../support/worlds/score/limits-world.ts';

const KINDS: readonly BoardKind[] = (['sum', 'best', 'last'] as const).flatMap((operator) =>
  (['descending', 'ascending'] as const).map((order) => ({ operator, order })),
);
const PLAYERS = ['ada', 'bob', 'cy'];

let world: CorrectionsWorld;

beforeAll(async () => {
  world = await startCorrectionsWorld();
});
afterAll(() => world?.stop());

const points = fc.oneof(
  { weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 5n }) },
  { weight: 1, arbitrary: fc.constantFrom(MAX_SCORE, MAX_SCORE - 1n) },
);
const change: fc.Arbitrary<Request['change'] | { case: 'action' | 'hide' | 'show'; value: bigint }> =
  fc.oneof(
    { weight: 4, arbitrary: points.map((value) => ({ case: 'action' as const, value })) },
    fc.bigInt({ min: -4n, max: 4n }).map((value) => ({ case: 'adjustBy' as const, value: value || 1n })),
    points.map((value) => ({ case: 'setTo' as const, value })),
    {
      weight: 2,
      arbitrary: fc
        .integer({ min: 0, max: 9 })
        .map((at) => ({ case: 'voidAction' as const, value: `a${at}` })),
    },
    fc
      .constantFrom('remove' as const, 'restore' as const)
      .map((name) => ({ case: name, value: true as const })),
    fc.constantFrom('hide' as const, 'show' as const).map((name) => ({ case: name, value: 0n })),
  );
const steps = fc.array(
  fc.record({
    player: fc.constantFrom(...PLAYERS),
    change,
    isAlone: fc.boolean(),
    service: fc.constantFrom(0, 1),
  }),
  { minLength: 1, maxLength: 20 },
);

interface Row {
  user_id: string;
  points: bigint;
  version: bigint;
  reached: bigint;
}

const rowsOf = (board: string) =>
  world.sql<
    Row[]
  >`select user_id, points, version, reached from scores where leaderboard = ${board} order by user_id`;

async function entriesOf(board: string): Promise<ReadonlyMap<string, FoldedEntry[]>> {
  const rows = await world.sql<(FoldedEntry & { userId: string })[]>`
    select a.user_id as "userId", a.position, a.version, coalesce(c.kind, 'action') as kind,
           coalesce(c.action_id, a.action_id) as "actionId", coalesce(c.amount, a.points) as amount
    from actions a left join corrections c on c.position = a.position where a.leaderboard = ${board}`;
  return Map.groupBy(rows, ({ userId }) => userId);
}

const correctly = (board: string, userId: string, how: string) =>
  world.sql`
    select correct_score(${crypto.randomUUID()}, ${how}, ${board}, ${userId}, null, null, 'r', 'o', 'score')`;

/** An action that was under way when its player was hidden shows the player: whoever hides looks once more. */
async function hideAgain(board: string, kind: BoardKind): Promise<void> {
  for (const [userId, own] of await entriesOf(board)) {
    if (foldLedger(kind, own).isHidden) await correctly(board, userId, 'hide');
  }
}

it.each(KINDS)('on a board of the kind $operator, $order', async (kind) => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const board = await world.createBoard(kind);
      let underWay: Promise<unknown>[] = [];
      for (const [at, { player, change: each, isAlone, service }] of given.entries()) {
        const userId = `${player}-${board}`;
        if (each.case === 'action') {
          const actionId = `a${Math.floor(at / 2)}`;
          underWay.push(world.submit(board, userId, [action(actionId, each.value)], service));
        } else if (each.case === 'hide' || each.case === 'show') {
          underWay.push(correctly(board, userId, each.case));
        } else underWay.push(world.reasonOf(board, userId, each as Request['change']));
        if (!isAlone) continue;
        await Promise.all(underWay);
        underWay = [];
      }
      await Promise.all(underWay);

      await hideAgain(board, kind);
      const entries = await entriesOf(board);
      const rows = await rowsOf(board);
      expect(rows.map(({ user_id, version }) => [user_id, version])).toEqual(
        [...entries].map(([userId, own]) => [userId, BigInt(own.length)]).sort(),
      );
      const folded = new Map([...entries].map(([userId, own]) => [userId, foldLedger(kind, own)]));
      for (const { user_id, points: held, reached } of rows) {
        const { score, reached: at, isHidden } = folded.get(user_id) ?? {};
        if (score === undefined) expect(reached).toBe(WITHOUT_SCORE);
        else expect([toScore(held), reached]).toEqual([score, isHidden ? HIDDEN : at]);
      }
      await world.untilShown(board, boardOf(kind, folded));
    }),
    { numRuns: 12 },
  );
  expect(await world.differences()).toEqual([]);
});

/** The players on the board, best first. */
function boardOf({ order }: BoardKind, folded: ReadonlyMap<string, ReturnType<typeof foldLedger>>) {
  const shown = [...folded].flatMap(([userId, { score, reached, isHidden }]) =>
    score === undefined || isHidden ? [] : [{ userId, score, reached }],
  );
  const sign = order === 'ascending' ? 1n : -1n;
  shown.sort((a, b) => Number(sign * (a.score - b.score)) || Number(a.reached - b.reached));
  return shown.map(({ userId, score }) => [userId, score] as const);
}
