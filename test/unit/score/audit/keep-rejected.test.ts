import { expect, it } from 'vitest';
import { createKeepRejected, MAX_GATHERED } from '../../../../services/score/audit/keep-rejected.ts';
import type { RejectedAttempts } from '../../../../services/score/audit/rejected-store.ts';
import { AppError, type Reason } from '../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';

const attempt = (userId: string, actionId = 'a1') => ({
  ...{ userId, actionId, leaderboard: 'global', points: 1n, caller: 'edge' },
});

/** Notes what it is given, is stopped, and tells what it wrote and counted. */
async function keep(noted: [userId: string, reason: Reason, actionId?: string][], broken = false) {
  const written: RejectedAttempts[] = [];
  const metrics = createMetrics('test', { runtime: false });
  const rejected = createKeepRejected({
    store: {
      insert: async (rows) => {
        if (broken) throw new AppError('STORE_UNAVAILABLE');
        if (rows.some(({ userId }) => userId === 'unstorable')) {
          throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
        }
        written.push(...rows);
      },
      trim: async () => {},
    },
    ...{ log: createSilentLog(), metrics, clock: { now: () => 1_000 } },
  });
  for (const [userId, reason, actionId] of noted)
    rejected.note(attempt(userId, actionId), new AppError(reason));
  await rejected.stop();
  const counts = (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('audit_rejected_attempts_total{'))
    .map((line) => line.replace(/^.*reason="([A-Z_]+)",outcome="([a-z_]+)".*\} /, '$1 $2 '));
  return { written, counts };
}

it('aggregates attempts by player and reason, with the fields of the first', async () => {
  const { written, counts } = await keep([
    ['mallory', 'SIGNATURE_INVALID', 'm1'],
    ['mallory', 'SIGNATURE_INVALID', 'm2'],
    ['mallory', 'ACTION_CONFLICT', 'm3'],
    ['eve', 'SIGNATURE_INVALID', 'e1'],
  ]);
  const short = written.map((row) => [row.userId, row.reason, row.actionId, row.attempts, row.firstAtUnixMs]);
  expect(short).toEqual([
    ['mallory', 'SIGNATURE_INVALID', 'm1', 2, 1_000],
    ['mallory', 'ACTION_CONFLICT', 'm3', 1, 1_000],
    ['eve', 'SIGNATURE_INVALID', 'e1', 1, 1_000],
  ]);
  expect(counts).toEqual(['SIGNATURE_INVALID kept 3', 'ACTION_CONFLICT kept 1']);
});

it('drops and counts attempts of more players than fit', async () => {
  const players = Array.from({ length: MAX_GATHERED + 7 }, (_, n) => `p${n}`);
  const { written, counts } = await keep(players.map((userId) => [userId, 'SIGNATURE_EXPIRED']));
  expect(written).toHaveLength(MAX_GATHERED);
  expect(counts.sort()).toEqual([`SIGNATURE_EXPIRED kept ${MAX_GATHERED}`, 'SIGNATURE_EXPIRED left_out 7']);
});

it('counts attempts as dropped that Postgres did not take', async () => {
  const { written, counts } = await keep([['mallory', 'SIGNATURE_INVALID']], true);
  expect({ written, counts }).toEqual({ written: [], counts: ['SIGNATURE_INVALID left_out 1'] });
});

it('keeps the attempts beside one that Postgres refuses', async () => {
  const { written, counts } = await keep([
    ['ada', 'SIGNATURE_INVALID'],
    ['unstorable', 'SIGNATURE_INVALID'],
    ['cy', 'SIGNATURE_INVALID'],
  ]);
  expect(written.map(({ userId }) => userId)).toEqual(['ada', 'cy']);
  expect(counts.sort()).toEqual(['SIGNATURE_INVALID kept 2', 'SIGNATURE_INVALID left_out 1']);
});

it('records no refusals that say nothing about the submission', async () => {
  const ours: Reason[] = ['OVERLOADED', 'OUTBOX_FULL', 'STORE_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL'];
  const { written, counts } = await keep(ours.map((reason) => ['ada', reason]));
  expect({ written, counts }).toEqual({ written: [], counts: [] });
});
