import { expect, it } from 'vitest';
import { foldByPlayer } from '../../../../services/score/accept/accept-scores.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { command } from './memory-store.ts';

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
