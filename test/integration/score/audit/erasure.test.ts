/** Erasing a player: no store contains the player afterwards, and the audit chain still verifies. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyStack } from '../../../../services/cli/audit/verify.ts';
import { createAuditStore } from '../../../../services/score/audit/audit-store.ts';
import { createErasePlayer } from '../../../../services/score/audit/erase-player.ts';
import { createErasureStore } from '../../../../services/score/audit/erasure-store.ts';
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

async function play(userId: string, actionId: string, points: bigint, username = `name of ${userId}`) {
  const submissions = [
    { userId, actionId, points, username },
    { userId, actionId: `${actionId}w`, points, username, leaderboard: 'weekly' },
  ];
  await patient(world.scoreAs('game')).submitScores({ submissions }, call);
}

async function print(act: (write: (text: string) => Promise<void>) => Promise<unknown>): Promise<string> {
  const pieces: string[] = [];
  const code = await act(async (text) => void pieces.push(text));
  return `${code ?? ''} ${pieces.join('')}`.trimStart();
}

const audit = () => world.auditAs('cli');
const placesOf = (text: string) => placesIn(text, sql, redis);
const verdict = (expected?: { seq: bigint; head: Uint8Array }) =>
  print((write) => verifyStack(audit(), { key: world.auditKey, expected }, write));
const untilSealed = () =>
  waitFor(async () => (await audit().getAuditHead({}, call)).unsealedBatches === 0n || undefined);

it('removes a player from every store, actions that are not sealed yet included, and the chain verifies', async () => {
  await play('zora', 'z1', 50n);
  await play('yan', 'y1', 70n);
  await untilSealed();
  await patient(world.authAs('game')).issueToken({ userId: 'zora', username: 'name of zora' }, call);
  await play('zora', 'z2', 5n);
  const submission = { userId: 'zora', actionId: 'z1', points: 51n };
  await expect(world.scoreAs('game').submitScore({ submission }, call)).rejects.toMatchObject({
    reason: 'ACTION_CONFLICT',
  });
  await waitFor(async () => (await placesOf('zora')).includes('rejected_actions') || undefined);
  const head = await audit().getAuditHead({}, call);

  const operator = world.operatorAs('cli');
  expect(await operator.findPlayer({ userId: 'zora' }, call)).toMatchObject({ known: true });
  expect((await audit().erasePlayer({ userId: 'zora' }, call)).leaderboards).toHaveLength(2);
  expect(await operator.findPlayer({ userId: 'zora' }, call)).toMatchObject({ known: false });
  expect(await operator.findBoard({ leaderboard: 'global' }, call)).toMatchObject({ known: true });
  expect(await operator.findBoard({ leaderboard: 'gobal' }, call)).toMatchObject({ known: false });
  expect(await placesOf('zora')).toEqual([]);
  const { entries } = await world.rankAs('edge').getTop({ leaderboard: 'global' }, call);
  expect(entries.map(({ userId }) => userId)).toEqual(['yan']);
  expect(await sql`select from actions where user_id like 'erased %'`).toHaveLength(4);
  await untilSealed();
  expect(await verdict(head)).toMatch(/^0 OK: \d+ links seal 6 actions, 1 players erased/);
});

it('erases a player who keeps playing between two actions, never within one', async () => {
  await play('wes', 'w0', 1n);
  const playing = Array.from({ length: 40 }, (_, n) => play('wes', `w${n + 1}`, 1n).catch(() => {}));
  await audit().erasePlayer({ userId: 'wes' }, call);
  await Promise.all(playing);
  const rows = await sql<{ board: string; count: bigint; points: bigint | null; version: bigint | null }[]>`
    select a.leaderboard as board, count(*) as count, max(s.points) as points, max(s.version) as version
    from actions a left join scores s on s.leaderboard = a.leaderboard and s.user_id = a.user_id
    where a.user_id = 'wes' group by a.leaderboard`;
  for (const { count, points, version } of rows) expect([points, version]).toEqual([count, count]);
  const stranded = await sql`
    select from scores s where s.user_id = 'wes'
      and not exists (select from actions a where a.user_id = s.user_id and a.leaderboard = s.leaderboard)`;
  expect(stranded).toHaveLength(0);
  await untilSealed();
  expect(await verdict()).toMatch(/^0 OK/);
});

it('counts an erased player who returns from zero', async () => {
  await play('zora', 'z1', 3n);
  expect(
    await sql`select points, version from scores where user_id = 'zora' and leaderboard = 'global'`,
  ).toEqual([{ points: 3n, version: 1n }]);
  await untilSealed();
  expect(await verdict()).toMatch(/^0 OK/);
});

it('refuses a player without data, and callers other than the operator', async () => {
  await expect(audit().erasePlayer({ userId: 'nobody' }, call)).rejects.toMatchObject({
    reason: 'PLAYER_NOT_FOUND',
  });
  await expect(audit().erasePlayer({ userId: 'two words' }, call)).rejects.toMatchObject({
    reason: 'USER_ID_INVALID',
  });
  await expect(world.auditAs('game').erasePlayer({ userId: 'yan' }, call)).rejects.toMatchObject({
    reason: 'CALLER_NOT_ALLOWED',
  });
  expect(await placesOf('yan')).toContain('scores');
});

it('changes nothing when its transaction is rolled back', async () => {
  await play('xeno', 'x1', 9n);
  await untilSealed();
  const before = await placesOf('xeno');
  await expect(
    sql.begin(async (tx) => {
      const [subject] = await tx<{ commitment: Uint8Array }[]>`select erasure_subject('xeno') as commitment`;
      await tx`select erase_player('xeno', ${subject?.commitment ?? ''}, 1000000, sha256('x'))`;
      throw new Error('the connection is lost here');
    }),
  ).rejects.toThrow('the connection is lost here');
  expect(await placesOf('xeno')).toEqual(before);
  expect(await verdict()).toMatch(/^0 OK/);
});

it('can be made by a role that may only call it, and that can change or remove nothing else', async () => {
  await play('uma', 'u1', 50n);
  await sql`create role eraser`;
  await sql`grant select on audit_links to eraser`;
  await sql`grant usage on schema public to eraser`;
  await sql`grant execute on function erasure_subject, erase_player to eraser`;
  await sql.unsafe(`grant temporary on database ${new URL(world.databaseUrl).pathname.slice(1)} to eraser`);
  const url = new URL(world.databaseUrl);
  url.searchParams.set('options', '-c role=eraser');
  const pool = createPostgresPool({
    ...{ url: url.href, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  try {
    for (const attempt of [
      `update actions set user_id = 'uma'`,
      `delete from scores where user_id = 'uma'`,
      `delete from players where user_id = 'uma'`,
      `update audit_subjects set salt = null`,
    ]) {
      const refused = pool.run((as) => as.unsafe(attempt), 5_000);
      await expect(refused, attempt).rejects.toMatchObject({ code: '42501' });
    }
    // A table of the caller that precedes ours in the search path is not used.
    await pool.run((as) => as`create temporary table scores (leaderboard text, user_id text)`, 5_000);
    await pool.run((as) => as`set search_path = pg_temp, public`, 5_000);
    const erase = createErasePlayer({
      ...{ store: createErasureStore(pool), audit: createAuditStore(pool), key: world.auditKey },
      forgetPlayer: async () => {},
      log: createSilentLog(),
    });
    expect((await erase('uma')).leaderboards).toEqual(['global', 'weekly']);
  } finally {
    await pool.close();
  }
  expect(await sql`select from scores where user_id = 'uma'`).toHaveLength(0);
  await untilSealed();
  expect(await verdict()).toMatch(/^0 OK/);
});

it('removes the player from the board under a newer position while Redis is away', async () => {
  await play('tia', 't1', 1_000n);
  const top = () => world.rankAs('edge').getTop({ leaderboard: 'weekly' }, call);
  const ofIndex = (await top()).position?.epoch;
  await world.killRedis();
  const before = await waitFor(async () => {
    const reply = await top().catch(() => undefined);
    // The seq is 0 while the epoch is still that of the index.
    const isFromPostgres = (reply?.position?.seq ?? 0n) > 0n && reply?.position?.epoch !== ofIndex;
    return isFromPostgres && reply?.entries[0]?.userId === 'tia' ? reply : undefined;
  });
  await audit().erasePlayer({ userId: 'tia' }, call);
  const after = await waitFor(async () => {
    const reply = await top();
    return reply.entries.some(({ userId }) => userId === 'tia') ? undefined : reply;
  });
  expect(after.position?.epoch).toBe(before.position?.epoch);
  expect(after.position?.seq).toBeGreaterThan(before.position?.seq ?? 0n);
  expect(JSON.stringify(await sql`select top from truth_boards`)).not.toContain('tia');
});
