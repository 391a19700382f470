import { expect, it } from 'vitest';
import { type Concerned, quarantineName } from '../../../../services/score/limits/limits-store.ts';
import { createLimitsWatch } from '../../../../services/score/limits/limits-watch.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { waitFor } from '../../../support/wait-for.ts';

const nothing: Concerned = { version: 1n, leaderboards: [], userIds: [] };

function start(first: Concerned) {
  const database = { answer: first, away: false, readings: 0, looks: 0 };
  const watch = createLimitsWatch({
    async readVersion() {
      database.looks += 1;
      if (database.away) throw new Error('away');
      return database.answer.version;
    },
    everyMs: 20,
    limits: {
      async concerned() {
        database.readings += 1;
        return database.answer;
      },
    },
    log: createSilentLog(),
  });
  return { watch, database };
}

it('knows the limits once started, and reads them again only after a change', async () => {
  const { watch, database } = start({ version: 7n, leaderboards: ['arena'], userIds: ['mallory'] });
  await watch.start();
  expect(watch.isEmpty()).toBe(false);
  expect(watch.concerns({ leaderboard: 'arena', userId: 'ada' })).toBe(true);
  expect(watch.concerns({ leaderboard: 'global', userId: 'mallory' })).toBe(true);
  expect(watch.concerns({ leaderboard: 'global', userId: 'ada' })).toBe(false);
  await waitFor(() => database.looks >= 3 || undefined);
  expect(database.readings).toBe(1);
  database.answer = { ...nothing, version: 8n };
  await waitFor(() => watch.isEmpty() || undefined);
  await watch.stop();
});

it('recognizes an erased player in quarantine by the digest of the user id', async () => {
  const { watch } = start({ version: 7n, leaderboards: [], userIds: [quarantineName('mallory')] });
  await watch.start();
  expect(watch.isEmpty()).toBe(false);
  expect(watch.concerns({ leaderboard: 'global', userId: 'mallory' })).toBe(true);
  expect(watch.concerns({ leaderboard: 'global', userId: 'ada' })).toBe(false);
  await watch.stop();
});

it('keeps the last limits while Postgres is away', async () => {
  const { watch, database } = start({ version: 7n, leaderboards: ['arena'], userIds: [] });
  await watch.start();
  database.away = true;
  const { looks } = database;
  await waitFor(() => database.looks > looks + 1 || undefined);
  expect(watch.concerns({ leaderboard: 'arena', userId: 'ada' })).toBe(true);
  await watch.stop();
});

it('does not start before it has read them', async () => {
  const { watch, database } = start(nothing);
  database.away = true;
  await expect(watch.start()).rejects.toThrow('away');
});
