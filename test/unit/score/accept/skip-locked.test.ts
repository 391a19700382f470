import { expect, it } from 'vitest';
import type { Accept } from '../../../../services/score/accept/accept-scores.ts';
import type { Action } from '../../../../services/score/accept/action.ts';
import { createSkipLocked } from '../../../../services/score/accept/skip-locked.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { SUM } from '../../../support/doubles/boards-of.ts';

const action = (userId: string): Action => ({
  ...{ leaderboard: 'global', board: SUM, userId, username: '', actionId: 'a1', points: 1n },
  ...{ keyId: '', caller: 'game' },
});
const lockTimeout = new AppError('STORE_UNAVAILABLE', { cause: { code: '55P03' } });

/** A lane over rows of which some are held. Tells each batch, and each look-up. */
function start(locked: Set<string>, failure: unknown = lockTimeout) {
  const steps: string[] = [];
  const names = (players: readonly { userId: string }[]) => players.map(({ userId }) => userId).join(' ');
  const skipLocked = createSkipLocked({
    async findLocked(players) {
      steps.push(`look ${names(players)}`);
      return players.filter(({ userId }) => locked.has(userId));
    },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
  });
  const lane: Accept = async (actions) => {
    steps.push(`accept ${names(actions)}`);
    if (actions.some(({ userId }) => locked.has(userId))) throw failure;
    const answers = actions.map(() => ({ newScore: 1n, changed: true, version: 1n, replayed: false }));
    return { answers, batch: undefined };
  };
  const accept = skipLocked(lane);
  return {
    steps,
    submit: async (...userIds: string[]) => {
      const { answers } = await accept(userIds.map(action), Deadline.after(1_000));
      return answers.map((answer) => (answer instanceof AppError ? answer.reason : 'accepted'));
    },
  };
}

it('refuses the players whose rows are held, each at its place, and accepts the others', async () => {
  const { steps, submit } = start(new Set(['bob']));
  expect(await submit('ada', 'bob', 'carl')).toEqual(['accepted', 'PLAYER_LOCKED', 'accepted']);
  expect(steps).toEqual(['accept ada bob carl', 'look ada bob carl', 'accept ada carl']);
});

it('waits no more for a player who was held, and accepts as soon as the row is free', async () => {
  const locked = new Set(['bob']);
  const { steps, submit } = start(locked);
  await submit('bob');
  steps.length = 0;
  expect(await submit('bob', 'ada')).toEqual(['PLAYER_LOCKED', 'accepted']);
  locked.clear();
  expect(await submit('bob')).toEqual(['accepted']);
  expect(await submit('bob')).toEqual(['accepted']);
  expect(steps).toEqual(['look bob', 'accept ada', 'look bob', 'accept bob', 'accept bob']);
});

it('tries a batch once more when no held row is found, and passes on every other failure', async () => {
  const unseen = start(new Set());
  expect(await unseen.submit('ada')).toEqual(['accepted']);
  const away = new AppError('STORE_UNAVAILABLE');
  const { steps, submit } = start(new Set(['bob']), away);
  await expect(submit('ada', 'bob')).rejects.toBe(away);
  expect(steps).toEqual(['accept ada bob']);
});
