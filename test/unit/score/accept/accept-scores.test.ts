import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acceptScores } from '../../../../services/score/accept/accept-scores.ts';
import type { AcceptStore } from '../../../../services/score/accept/accept-store.ts';
import type { Action } from '../../../../services/score/accept/action.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { toScore } from '../../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { foldScore } from '../../../support/fold-score.ts';
import { command, KINDS, memoryStore } from './memory-store.ts';

const deadline = { remainingMs: () => 1000 };

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
