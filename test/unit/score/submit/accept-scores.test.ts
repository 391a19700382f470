import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptScores, foldByPlayer } from '../../../../services/score/submit/accept-scores.ts';
import type { AcceptStore, StoredAction } from '../../../../services/score/submit/accept-store.ts';
import type { AcceptCommand } from '../../../../services/score/submit/action.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';

const deadline = { remainingMs: () => 1000 };

/** The store's promise, kept in memory: a player beyond the limit is left out, then all of a batch or nothing, an action once for ever. */
function memoryStore() {
  const scores = new Map<string, { points: bigint; version: bigint }>();
  const actions = new Map<string, StoredAction>();
  const store: AcceptStore = {
    async insert(players, rows) {
      const states = players.flatMap((player) => {
        const before = scores.get(`${player.leaderboard} ${player.userId}`) ?? { points: 0n, version: 0n };
        const points = before.points + player.points;
        const version = before.version + BigInt(player.actions);
        return points > MAX_SCORE ? [] : [{ ...player, points, version, reached: BigInt(player.reachedAt) }];
      });
      const written = rows.flatMap((row): StoredAction[] => {
        const state = states.find((s) => s.userId === row.userId && s.leaderboard === row.leaderboard);
        if (state === undefined) return [];
        const scoreAfter = state.points - row.pointsAfter;
        return [{ ...row, scoreAfter, version: state.version - BigInt(row.actionsAfter) }];
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

const command = (
  userId: string,
  actionId: string,
  points: bigint,
  leaderboard = 'global',
): AcceptCommand => ({
  leaderboard,
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

describe('accepting scores', () => {
  it('counts each action once, whatever the batches, and answers repeats with the first answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { maxLength: 6 }), async (batches) => {
        const { store, scores, actions } = memoryStore();
        const firstOf = new Map<string, { command: AcceptCommand; newScore: bigint; version: bigint }>();
        for (const batch of batches) {
          const { answers } = await acceptScores(store, batch, deadline);
          batch.forEach((item, index) => {
            const answer = answers[index];
            const key = `${item.userId} ${item.actionId}`;
            const first = firstOf.get(key);
            if (first === undefined) {
              expect(answer).toMatchObject({ replayed: false });
              firstOf.set(key, { command: item, ...(answer as { newScore: bigint; version: bigint }) });
            } else if (
              first.command.points !== item.points ||
              first.command.leaderboard !== item.leaderboard
            ) {
              expect(answer).toMatchObject({ reason: 'ACTION_CONFLICT' });
            } else {
              expect(answer).toEqual({ newScore: first.newScore, version: first.version, replayed: true });
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

  it('folds the newest name of a player that is known', () => {
    const named = (username: string, actionId: string) => ({ ...command('bob', actionId, 1n), username });
    const nameOf = (...names: readonly string[]) =>
      foldByPlayer(names.map((name, index) => named(name, `b${index}`))).players[0]?.username;
    expect(nameOf('Bob', '')).toBe('Bob');
    expect(nameOf('Bob', 'Robert')).toBe('Robert');
    expect(nameOf('', 'Bob', '')).toBe('Bob');
  });

  it('folds nothing of a player whose sum no row can hold, and everything of the others', () => {
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

  it('writes nothing when all was accepted before, and hands the time that is left to each call', async () => {
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

  it('leaves out all actions of a player whose sum no row can hold, and counts the others', async () => {
    const { store, scores } = memoryStore();
    const { answers } = await acceptScores(
      store,
      [command('ada', 'a1', MAX_SCORE), command('bob', 'b1', 1n), command('ada', 'a2', 1n)],
      deadline,
    );
    expect(answers).toMatchObject([undefined, { newScore: 1n }, undefined]);
    expect([...scores.keys()]).toEqual(['global bob']);
  });

  it('leaves out a repeat near the limit, and answers one beside it that the store told of', async () => {
    const { store } = memoryStore();
    const [first, small] = [command('ada', 'a1', MAX_SCORE), command('bob', 'b1', 1n)];
    await acceptScores(store, [first, small], deadline);
    expect((await acceptScores(store, [first], deadline)).answers).toEqual([undefined]);
    const { answers, batch } = await acceptScores(store, [first, small], deadline);
    expect(answers).toEqual([
      { newScore: MAX_SCORE, version: 1n, replayed: true },
      { newScore: 1n, version: 1n, replayed: true },
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
});
