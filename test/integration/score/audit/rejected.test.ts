/** Refused attempts in the log: by player and reason, for a while, and without secrets. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { listRejected } from '../../../../services/cli/audit/rejected.ts';
import { createRejectedStore } from '../../../../services/score/audit/rejected-store.ts';
import { connectPostgres } from '../../../../services/shared/stores/postgres/postgres.ts';
import { createPostgresPool } from '../../../../services/shared/stores/postgres/postgres-pool.ts';
import { connectRedis, type RedisClient } from '../../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { patient } from '../../../support/clients/sent-again.ts';
import { placesOf as placesIn } from '../../../support/places-of.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: ReturnType<typeof connectPostgres>;
let redis: RedisClient;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  redis = connectRedis({
    ...{ url: world.redisUrl, connectionName: 'test', commandTimeoutMs: 10_000, log: createSilentLog() },
  });
  await waitFor(async () => (await world.rankReadiness()).body.dependencies.redis || undefined);
});
afterAll(async () => {
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

async function print(act: (write: (text: string) => Promise<void>) => Promise<unknown>): Promise<string> {
  const pieces: string[] = [];
  const code = await act(async (text) => void pieces.push(text));
  return `${code ?? ''} ${pieces.join('')}`.trimStart();
}

const audit = () => world.auditAs('cli');
const placesOf = (text: string) => placesIn(text, sql, redis);

it('records refused attempts by player and reason, without their signatures', async () => {
  const { signature } = await patient(world.authAs('game')).signAction(
    { action: { leaderboard: 'global', userId: 'mallory', actionId: 'm1', points: 1n } },
    call,
  );
  const forged = Array.from({ length: 30 }, (_, n) => ({
    ...{ userId: 'mallory', actionId: `m${n}`, points: 1_000n, signature },
  }));
  await patient(world.scoreAs('edge')).submitScores({ submissions: forged }, call);
  await world.scoreAs('edge').submitScores({ submissions: [{ userId: 'with space', signature }] }, call);
  const printed = await waitFor(async () => {
    const text = await print((write) => listRejected(audit(), { userId: 'mallory', limit: 10 }, write));
    return text.includes('mallory') ? text : undefined;
  });
  expect(printed.split('\n')[1]).toMatch(
    /^\d{4}-.*Z\tmallory\tSIGNATURE_INVALID\t30\tedge\tglobal\tm0\t1000$/,
  );
  expect(await placesOf(signature.split('.').at(-1) ?? '')).toEqual([]);
  expect(await placesOf('with space')).toEqual([]);
  expect(
    await world.metric('audit_rejected_attempts_total', 'reason="SIGNATURE_INVALID",outcome="kept"'),
  ).toBe(30);
});

it('removes old attempts, and keeps the newest rows', async () => {
  const pool = createPostgresPool({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  try {
    const store = createRejectedStore(pool);
    await sql`delete from rejected_actions`;
    const row = {
      reason: 'SIGNATURE_INVALID',
      caller: 'edge',
      leaderboard: 'global',
      actionId: 'a',
      points: 1n,
    };
    await store.insert(
      ['r1', 'r2', 'r3', 'r4'].map((userId) => ({ ...row, userId, attempts: 2, firstAtUnixMs: 1_500 })),
    );
    await sql`update rejected_actions set noted_at = now() - interval '31 days' where user_id = 'r4'`;
    await store.trim(30, 3);
    const kept = await store.list(undefined, 10);
    expect(kept.map(({ userId }) => userId)).toEqual(['r3', 'r2']);
    expect(kept[0]).toEqual({ ...row, userId: 'r3', attempts: 2, firstAtUnixMs: 1_500 });
  } finally {
    await pool.close();
  }
});
