/** What the log keeps of players: refused attempts, and nothing at all of one who was erased, while the chain holds. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { erasePlayer } from '../../../../services/cli/audit-erase.ts';
import { listRejected } from '../../../../services/cli/audit-rejected.ts';
import { verifyStack } from '../../../../services/cli/audit-verify.ts';
import { createAuditStore } from '../../../../services/score/audit/audit-store.ts';
import { createErasePlayer } from '../../../../services/score/audit/erase-player.ts';
import { createErasureStore } from '../../../../services/score/audit/erasure-store.ts';
import { createRejectedStore } from '../../../../services/score/audit/rejected-store.ts';
import { connectPostgres, createPostgresPool } from '../../../../services/shared/stores/postgres.ts';
import { connectRedis, type RedisClient } from '../../../../services/shared/stores/redis.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/score-world.ts';
import { waitFor } from '../../../support/wait-for.ts';

const call = { deadlineMs: 5_000 };
let world: ScoreWorld;
let sql: ReturnType<typeof connectPostgres>;
let redis: RedisClient;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
  });
  redis = connectRedis({
    ...{ url: world.redisUrl, connectionName: 'test', commandTimeoutMs: 5_000, log: createSilentLog() },
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
  await world.scoreAs('game').submitScores({ submissions }, call);
}

async function print(act: (write: (text: string) => Promise<void>) => Promise<unknown>): Promise<string> {
  const pieces: string[] = [];
  const code = await act(async (text) => void pieces.push(text));
  return `${code ?? ''} ${pieces.join('')}`.trimStart();
}

const audit = () => world.auditAs('cli');
const verdict = (expected?: { seq: bigint; head: Uint8Array }) =>
  print((write) => verifyStack(audit(), { key: world.auditKey, expected }, write));
const untilSealed = () =>
  waitFor(async () => (await audit().getAuditHead({}, call)).unsealedBatches === 0n || undefined);

/** Every place in Postgres and Redis that holds this text. */
async function placesOf(text: string): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'`;
  const places: string[] = [];
  for (const { name } of tables) {
    const found = await sql`select from ${sql(name)} t where t::text like ${`%${text}%`} limit 1`;
    if (found.length > 0) places.push(name);
  }
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const contents = {
      zset: () => redis.zrange(key, 0, '-1'),
      hash: async () => Object.entries(await redis.hgetall(key)).flat(),
      string: async () => [await redis.get(key)],
    }[type];
    if ((await contents?.())?.join('\n').includes(text)) places.push(`redis ${key}`);
  }
  return places.sort();
}

it('an erased player is found nowhere any more, and the chain holds, also the actions not yet sealed', async () => {
  await play('zora', 'z1', 50n);
  await play('yan', 'y1', 70n);
  await untilSealed();
  await world.authAs('game').issueToken({ userId: 'zora', username: 'name of zora' }, call);
  await play('zora', 'z2', 5n);
  const submission = { userId: 'zora', actionId: 'z1', points: 51n };
  await expect(world.scoreAs('game').submitScore({ submission }, call)).rejects.toMatchObject({
    reason: 'ACTION_CONFLICT',
  });
  await waitFor(async () => (await placesOf('zora')).includes('rejected_actions') || undefined);
  const head = await audit().getAuditHead({}, call);

  expect(await print((write) => erasePlayer(audit(), 'zora', write))).toMatch(
    /^erased from 2 boards, recorded as \d+:[0-9a-f]{64}\n$/,
  );
  expect(await placesOf('zora')).toEqual([]);
  const { entries } = await world.rankAs('edge').getTop({ leaderboard: 'global' }, call);
  expect(entries.map(({ userId }) => userId)).toEqual(['yan']);
  expect(await sql`select from actions where user_id like 'erased %'`).toHaveLength(4);
  await untilSealed();
  expect(await verdict(head)).toMatch(/^0 OK: \d+ links seal 6 actions, 1 players erased/);
});

it('a player who goes on playing is erased between two actions, never within one', async () => {
  await play('wes', 'w0', 1n);
  const playing = Array.from({ length: 40 }, (_, n) => play('wes', `w${n + 1}`, 1n).catch(() => {}));
  await erasePlayer(audit(), 'wes', async () => {});
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

it('who comes back begins anew', async () => {
  await play('zora', 'z1', 3n);
  expect(
    await sql`select points, version from scores where user_id = 'zora' and leaderboard = 'global'`,
  ).toEqual([{ points: 3n, version: 1n }]);
  await untilSealed();
  expect(await verdict()).toMatch(/^0 OK/);
});

it('nobody is erased whom nobody knows, and by nobody but the operator', async () => {
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

it('an erasure that the database lost half way changed nothing', async () => {
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

it('refused attempts are kept by player and reason, and no signature with them', async () => {
  const { signature } = await world
    .authAs('game')
    .signAction({ action: { leaderboard: 'global', userId: 'mallory', actionId: 'm1', points: 1n } }, call);
  const forged = Array.from({ length: 30 }, (_, n) => ({
    ...{ userId: 'mallory', actionId: `m${n}`, points: 1_000n, signature },
  }));
  await world.scoreAs('edge').submitScores({ submissions: forged }, call);
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

it('refused attempts are kept for a while, and the newest of them', async () => {
  const pool = createPostgresPool({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
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
    const kept = await store.list('', 10);
    expect(kept.map(({ userId }) => userId)).toEqual(['r3', 'r2']);
    expect(kept[0]).toEqual({ ...row, userId: 'r3', attempts: 2, firstAtUnixMs: 1_500 });
  } finally {
    await pool.close();
  }
});

it('an erasure begins again when another link took its number', async () => {
  const taken: bigint[] = [];
  const erase = createErasePlayer({
    store: {
      subject: async () => Buffer.alloc(32, 1),
      erase: async (_, { seq }) => {
        taken.push(seq);
        return taken.length < 3 ? undefined : ['global'];
      },
    },
    audit: { head: async () => ({ seq: BigInt(taken.length), head: Buffer.alloc(32) }) },
    key: world.auditKey,
    removeFromIndex: () => Promise.reject(new Error('Redis is away')),
    log: createSilentLog(),
  });
  expect((await erase('ada')).leaderboards).toEqual(['global']);
  expect(taken).toEqual([1n, 2n, 3n]);
});

it('whoever may only call the erasure can erase, and can change and remove nothing past it', async () => {
  await play('uma', 'u1', 50n);
  await sql`create role eraser`;
  await sql`grant select on audit_links to eraser`;
  await sql`grant usage on schema public to eraser`;
  await sql`grant execute on function erasure_subject, erase_player to eraser`;
  await sql.unsafe(`grant temporary on database ${new URL(world.databaseUrl).pathname.slice(1)} to eraser`);
  const url = new URL(world.databaseUrl);
  url.searchParams.set('role', 'eraser');
  const pool = createPostgresPool({
    ...{ url: url.href, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
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
    // A table of the caller's own that stands before ours is not looked at.
    await pool.run((as) => as`create temporary table scores (leaderboard text, user_id text)`, 5_000);
    await pool.run((as) => as`set search_path = pg_temp, public`, 5_000);
    const erase = createErasePlayer({
      ...{ store: createErasureStore(pool), audit: createAuditStore(pool), key: world.auditKey },
      removeFromIndex: async () => {},
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

it('while Redis is away, an erased player leaves the board under a newer position', async () => {
  await play('tia', 't1', 1_000n);
  const top = () => world.rankAs('edge').getTop({ leaderboard: 'weekly' }, call);
  const ofIndex = (await top()).position?.epoch;
  await world.killRedis();
  const before = await waitFor(async () => {
    const reply = await top().catch(() => undefined);
    // 0 while the epoch is still that of the index.
    const isFromTruth = (reply?.position?.seq ?? 0n) > 0n && reply?.position?.epoch !== ofIndex;
    return isFromTruth && reply?.entries[0]?.userId === 'tia' ? reply : undefined;
  });
  await erasePlayer(audit(), 'tia', async () => {});
  const after = await waitFor(async () => {
    const reply = await top();
    return reply.entries.some(({ userId }) => userId === 'tia') ? undefined : reply;
  });
  expect(after.position?.epoch).toBe(before.position?.epoch);
  expect(after.position?.seq).toBeGreaterThan(before.position?.seq ?? 0n);
  expect(JSON.stringify(await sql`select top from truth_boards`)).not.toContain('tia');
});
