import { expect, it } from 'vitest';
import type { Action } from '../../../../services/score/accept/action.ts';
import { acceptLimited } from '../../../../services/score/limits/accept-limited.ts';
import type { LimitedBatch } from '../../../../services/score/limits/limited-store.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { SUM } from '../../../support/doubles/boards-of.ts';

const action: Action = {
  ...{ leaderboard: 'limited', board: SUM, actionId: 'a', userId: 'ada', username: '' },
  ...{ points: 1n, keyId: 'k1', caller: 'edge' },
};
const deadline = { remainingMs: () => 1_000 };
const written: LimitedBatch = {
  answers: [new AppError('TOO_SOON')],
  batch: {
    ...{ players: [], outboxId: undefined },
    index: { epoch: 1n, source: 'redis', building: undefined },
  },
};

it('is tried again when another writer was accepting the same action', async () => {
  const outcomes = [undefined, written];
  const store = { accept: async () => outcomes.shift() };
  expect(await acceptLimited(store, [action], deadline)).toBe(written);
});

it('gives up after a few attempts', async () => {
  const store = { accept: async () => undefined };
  await expect(acceptLimited(store, [action], deadline)).rejects.toMatchObject({ reason: 'OVERLOADED' });
});
