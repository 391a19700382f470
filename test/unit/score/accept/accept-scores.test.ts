import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acceptScores, foldByPlayer } from '../../../../services/score/accept/accept-scores.ts';
import type { AcceptStore, LedgerEntry } from '../../../../services/score/accept/accept-store.ts';
import type { Action } from '../../../../services/score/accept/action.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { type BoardKind, toScore, toValue } from '../../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { SUM } from '../../../support/doubles/boards-of.ts';
import { foldScore } from '../../../support/fold-score.ts';

const deadline = { remainingMs: () => 1000 };

const KINDS: Readonly<Record<string, BoardKind>> = {
  global: SUM,
  weekly: SUM,
  fewest: { operator: 'sum', order: 'ascending' },
  longest: { operator: 'best', order: 'descending' },
  fastest: { operator: 'best', order: 'ascending' },
  latest: { operator: 'last', order: 'ascending' },
};
const kindOf = (leaderboard: string) => KINDS[leaderboard] ?? SUM;

/** The store's promise, kept in memory: a player beyond the limit is left out, then all of a batch or nothing, an action once for ever. */
function memoryStore() {
  const scores = new Map<string, { points: bigint; version: bigint }>();
  const valueAfter = (key: string, { leaderboard, points }: { leaderboard: string; points: bigint }) => {
    const held = scores.get(key)?.points;
    const { operator, order } = kindOf(leaderboard);
    const score = foldScore(
      { operator, order },
      held === undefined ? undefined : toScore(held),
      toScore(points),
    );
    return toValue(score, order);
  };
  const actions = new Map<string, LedgerEntry>();
  const store: AcceptStore = {
    async insert(players, rows) {
      const states = players.flatMap((player) => {
        const key = `${player.leaderboard} ${player.userId}`;
        const before = scores.get(key);
        const points = valueAfter(key, player);
        const version = (before?.version ?? 0n) + BigInt(player.actions);
        const state = { ...player, points, version, reached: BigInt(player.reachedAt) };
        return toScore(points) > MAX_SCORE ? [] : [{ ...state, changed: points !== before?.points }];
      });
      const written = rows.flatMap((row): LedgerEntry[] => {
        const state = states.find((s) => s.userId === row.userId && s.leaderboard === row.leaderboard);
        if (state === undefined) return [];
        const scoreAfter = toScore(state.points - row.pointsAfter);
        const version = state.version - BigInt(row.actionsAfter);
        const changedScore = row.operator === 'sum' ? row.points > 0n || version === 1n : state.changed;
        return [{ ...row, scoreAfter, changedScore, version }];
      });
      if (written.some((row) => actions.has(`${row.userId} ${row.actionId}`))) return undefined;
      for (const state of states) scores.set(`${state.leaderboard} ${state.userId}`, state);
      for (const row of written) actions.set(`${row.userId} ${row.actionId}`, row);
      const index = { epoch: 1n, source: 'redis' as const, building: undefined };
      return { players: states, outboxId: states.length > 0 ? 1n : undefined, index };
    },
    async find(keys) {
      return keys.flatMap(({ userId, actionId }) => actions.get(`${userId} ${actionId}`) ?? []);
    },
  };
  return { store, scores, actions };
}

const command = (userId: string, actionId: string, points: bigint, leaderboard = 'global'): Action => ({
  leaderboard,
  board: kindOf(leaderboard),
  userId,
  username: userId,
  actionId,
  points,
  keyId: 'k1',
  caller: 'edge',
});

const commands = fc.array(
  fc
    .record({
      userId: fc.constantFrom('ada', 'bob', 'cy'),
      actionId: fc.integer({ min: 1, max: 12 }).map((n) => `a${n}`),
      points: fc.integer({ min: 0, max: 3 }).map(BigInt),
      leaderboard: fc.constantFrom('global', 'weekly'),
    })
    .map(({ userId, actionId, points, leaderboard }) => command(userId, actionId, points, leaderboard)),
  { maxLength: 40 },
);

it('counts each action once, whatever the batches, and answers repeats with the first answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { maxLength: 6 }), async (batches) => {
      const { store, scores, actions } = memoryStore();
      const firstOf = new Map<string, { command: Action; newScore: bigint; version: bigint }>();
      for (const batch of batches) {
        const { answers } = await acceptScores(store, batch, deadline);
        batch.forEach((item, index) => {
          const answer = answers[index];
          const key = `${item.userId} ${item.actionId}`;
          const first = firstOf.get(key);
          if (first === undefined) {
            expect(answer).toMatchObject({ replayed: false });
            firstOf.set(key, { command: item, ...(answer as { newScore: bigint; version: bigint }) });
          } else if (first.command.points !== item.points || first.command.leaderboard !== item.leaderboard) {
            expect(answer).toMatchObject({ reason: 'ACTION_CONFLICT' });
          } else {
            expect(answer).toMatchObject({
              newScore: first.newScore,
              version: first.version,
              replayed: true,
            });
          }
        });
      }
      for (const [key, state] of scores) {
        const own = [...actions.values()].filter((a) => `${a.leaderboard} ${a.userId}` === key);
        expect(own.reduce((sum, a) => sum + a.points, 0n)).toBe(state.points);
        expect(own.map((a) => Number(a.version)).sort((a, b) => a - b)).toEqual(own.map((_, i) => i + 1));
      }
    }),
  );
});

it('folds the actions of each operator and order one by one, and leaves out those that totals can not tell apart', async () => {
  const actions = fc.array(
    fc.record({
      userId: fc.constantFrom('ada', 'bob'),
      id: fc.integer({ min: 1, max: 12 }),
      points: fc.integer({ min: 0, max: 3 }).map(BigInt),
      leaderboard: fc.constantFrom(...Object.keys(KINDS)),
    }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(actions, { maxLength: 6 }), async (batches) => {
      const { store, scores } = memoryStore();
      const told = new Map<string, unknown>();
      const standings = new Map<string, bigint>();
      for (const batch of batches) {
        // The board is a part of the id, so that an id always names the same action.
        const given = batch.map(({ userId, id, points, leaderboard }) =>
          command(userId, `${leaderboard}-${id}-${points}`, points, leaderboard),
        );
        const { answers } = await acceptScores(store, given, deadline);
        const seen = new Set<string>();
        for (const [at, action] of given.entries()) {
          const player = `${action.leaderboard} ${action.userId}`;
          const id = `${action.userId} ${action.actionId}`;
          const answer = answers[at];
          if (answer === undefined) {
            // Only a player's further actions on a board that does not add up.
            expect(action.board.operator).not.toBe('sum');
            expect(seen).toContain(player);
            continue;
          }
          seen.add(player);
          if (told.has(id)) {
            expect(answer).toEqual({ ...(told.get(id) as object), replayed: true });
            continue;
          }
          const held = standings.get(player);
          const score = foldScore(action.board, held, action.points);
          expect(answer).toMatchObject({ newScore: score, changed: score !== held, replayed: false });
          standings.set(player, score);
          told.set(id, answer);
        }
      }
      for (const [player, { points }] of scores) expect(toScore(points)).toBe(standings.get(player));
    }),
  );
});

it('folds a batch into one total per player, with the place of the last action that raised it', () => {
  const { players, rows } = foldByPlayer([
    command('bob', 'b1', 5n),
    command('ada', 'a1', 7n),
    command('bob', 'b2', 3n),
    command('bob', 'b3', 0n),
  ]);
  expect(players).toMatchObject([
    { userId: 'bob', points: 8n, actions: 3, reachedAt: 3 },
    { userId: 'ada', points: 7n, actions: 1, reachedAt: 2 },
  ]);
  expect(rows.map((row) => [row.actionId, row.pointsAfter, row.actionsAfter])).toEqual([
    ['b1', 3n, 2],
    ['a1', 0n, 0],
    ['b2', 0n, 1],
    ['b3', 0n, 0],
  ]);
});

it('folds the newest name of a player that is not empty', () => {
  const named = (username: string, actionId: string) => ({ ...command('bob', actionId, 1n), username });
  const nameOf = (...names: readonly string[]) =>
    foldByPlayer(names.map((name, index) => named(name, `b${index}`))).players[0]?.username;
  expect(nameOf('Bob', '')).toBe('Bob');
  expect(nameOf('Bob', 'Robert')).toBe('Robert');
  expect(nameOf('', 'Bob', '')).toBe('Bob');
});

it('leaves a player whose sum fits into no row out of the fold, and folds the others', () => {
  const { players, rows } = foldByPlayer([
    command('ada', 'a1', MAX_SCORE),
    command('bob', 'b1', MAX_SCORE - 1n),
    command('ada', 'a2', 1n),
    command('bob', 'b2', 1n),
  ]);
  expect(players).toMatchObject([{ userId: 'bob', points: MAX_SCORE, actions: 2, reachedAt: 2 }]);
  expect(rows.map(({ actionId }) => actionId)).toEqual(['b1', 'b2']);
});

it('leaves out a player whose total would pass the limit, and counts the others', async () => {
  const { store, scores } = memoryStore();
  await acceptScores(store, [command('ada', 'a1', MAX_SCORE)], deadline);
  const { answers, batch } = await acceptScores(
    store,
    [command('ada', 'a2', 1n), command('bob', 'b1', 1n)],
    deadline,
  );
  expect(answers).toMatchObject([undefined, { newScore: 1n, replayed: false }]);
  expect(batch?.players.map(({ userId }) => userId)).toEqual(['bob']);
  expect(scores.get('global ada')?.points).toBe(MAX_SCORE);
});

it('writes nothing when every action is a repeat, and passes the remaining time to each call', async () => {
  const { store } = memoryStore();
  const actions = [command('ada', 'a1', 1n), command('bob', 'b1', 2n)];
  await acceptScores(store, actions, deadline);
  const calls: [string, number][] = [];
  let leftMs = 1_000;
  const spying: AcceptStore = {
    insert: (players, rows, limitMs) => {
      calls.push([`insert ${rows.length}`, limitMs]);
      return store.insert(players, rows, limitMs);
    },
    find: (keys, limitMs) => {
      calls.push([`find ${keys.length}`, limitMs]);
      return store.find(keys, limitMs);
    },
  };
  const { answers, batch } = await acceptScores(spying, actions, {
    remainingMs: () => {
      leftMs -= 100;
      return leftMs;
    },
  });
  expect(answers).toMatchObject([{ replayed: true }, { replayed: true }]);
  expect(batch).toBeUndefined();
  expect(calls).toEqual([
    ['insert 2', 900],
    ['find 2', 800],
  ]);
});

it('leaves out all actions of a player whose sum fits into no row, and counts the others', async () => {
  const { store, scores } = memoryStore();
  const { answers } = await acceptScores(
    store,
    [command('ada', 'a1', MAX_SCORE), command('bob', 'b1', 1n), command('ada', 'a2', 1n)],
    deadline,
  );
  expect(answers).toMatchObject([undefined, { newScore: 1n }, undefined]);
  expect([...scores.keys()]).toEqual(['global bob']);
});

it('leaves out a repeat near the limit, and answers another repeat that the store reported', async () => {
  const { store } = memoryStore();
  const [first, small] = [command('ada', 'a1', MAX_SCORE), command('bob', 'b1', 1n)];
  await acceptScores(store, [first, small], deadline);
  expect((await acceptScores(store, [first], deadline)).answers).toEqual([undefined]);
  const { answers, batch } = await acceptScores(store, [first, small], deadline);
  expect(answers).toEqual([
    { newScore: MAX_SCORE, changed: true, version: 1n, replayed: true },
    { newScore: 1n, changed: true, version: 1n, replayed: true },
  ]);
  expect(batch).toBeUndefined();
});

it('gives up after a few attempts when the store keeps refusing', async () => {
  let attempts = 0;
  const store: AcceptStore = {
    async insert() {
      attempts += 1;
      return undefined;
    },
    find: async () => [],
  };
  const refusal = acceptScores(store, [command('ada', 'a1', 1n)], deadline);
  await expect(refusal).rejects.toEqual(new AppError('OVERLOADED', { retryAfterMs: 1_000 }));
  expect(attempts).toBe(5);
});
