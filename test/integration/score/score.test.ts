import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScoreBatch, ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import type { SubmitScoresResponse_Outcome } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectNats } from '../../../services/shared/stores/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/score-world.ts';
import { waitFor } from '../../support/wait-for.ts';

const MAX_SCORE = 2n ** 53n - 1n;
const call = { deadlineMs: 2_000 };

let world: ScoreWorld;
let sql: Sql;
let redis: RedisClient;
let events: ScoreBatch[];
let closeEvents: () => Promise<void>;

beforeAll(async () => {
  world = await startScoreWorld({ scoreServices: 2, rankServices: 2 });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 2,
    applicationName: 'test',
    statementTimeoutMs: 10_000,
  });
  redis = connectRedis({
    url: world.redisUrl,
    connectionName: 'test',
    commandTimeoutMs: 2_000,
    log: createSilentLog(),
  });
  const nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
  events = [];
  const subscription = nats.subscribe('scores.*', {
    callback: (_, message) => events.push(fromBinary(ScoreBatchSchema, message.data)),
  });
  await nats.flush();
  closeEvents = async () => {
    subscription.unsubscribe();
    await nats.close();
  };
});

afterAll(async () => {
  await closeEvents?.();
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

/** A signed submission, as a game server and a player would bring it about. */
async function signed(userId: string, actionId: string, points: bigint, leaderboard = 'global') {
  const { signature } = await world
    .authAs('game')
    .signAction({ action: { userId, actionId, points, leaderboard } }, call);
  return { userId, actionId, points, leaderboard, signature, username: `Name of ${userId}` };
}

const submit = async (submission: Awaited<ReturnType<typeof signed>>, scoreService = 0) =>
  (await world.scoreAs('edge', scoreService).submitScore({ submission }, call)).accepted;

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof AppError ? error.reason : error),
  );

const reasonsOf = (outcomes: readonly SubmitScoresResponse_Outcome[]) =>
  outcomes.map(({ result }) => (result.case === 'refused' ? result.value.reason : result.case));

describe('submitting a score', () => {
  it('counts a signed action, answers score, rank and version, and keeps it in the audit log', async () => {
    const first = await signed('ada', 'ada-1', 40n);
    expect(await submit(first)).toMatchObject({ newScore: 40n, rank: 1n, version: 1n, replayed: false });
    expect(await submit(await signed('ada', 'ada-2', 2n))).toMatchObject({ newScore: 42n, version: 2n });
    const rows =
      await sql`select action_id, points, score_after, version, key_id, caller from actions where user_id = 'ada' order by position`;
    expect(rows).toMatchObject([
      { action_id: 'ada-1', points: 40n, score_after: 40n, version: 1n, caller: 'edge' },
      { action_id: 'ada-2', points: 2n, score_after: 42n, version: 2n, caller: 'edge' },
    ]);
    expect(rows[0]?.key_id).toBe(first.signature.split('.')[1]);
  });

  it('answers a repeat with the first answer and refuses the same id with other contents', async () => {
    const action = await signed('bob', 'bob-1', 7n);
    await submit(action);
    await submit(await signed('bob', 'bob-2', 1n));
    expect(await submit(action)).toMatchObject({ newScore: 7n, version: 1n, replayed: true });
    expect(await reasonOf(submit(await signed('bob', 'bob-1', 8n)))).toBe('ACTION_CONFLICT');
    expect(await reasonOf(submit(await signed('bob', 'bob-1', 7n, 'weekly')))).toBe('ACTION_CONFLICT');
    expect(await sql`select points, version from scores where user_id = 'bob'`).toMatchObject([
      { points: 8n, version: 2n },
    ]);
  });

  it('has one effect when a hundred repeats arrive at once through two services', async () => {
    const action = await signed('carl', 'carl-1', 5n);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => submit(action, n % 2)));
    expect(new Set(answers.map((answer) => `${answer?.newScore} ${answer?.version}`))).toEqual(
      new Set(['5 1']),
    );
    expect(answers.filter((answer) => answer?.replayed === false)).toHaveLength(1);
    expect(await sql`select points, version from scores where user_id = 'carl'`).toMatchObject([
      { points: 5n, version: 1n },
    ]);
  });

  it.each([
    ['of another player', { userId: 'mallory' }],
    ['with other points', { points: 1_000_000n }],
    ['with another action id', { actionId: 'dora-2' }],
    ['for another board', { leaderboard: 'weekly' }],
    ['that is no signature', { signature: 'v1.k.1.x' }],
    ['of the wrong form', { signature: 'forged' }],
  ])('refuses a signature %s', async (_, change) => {
    const action = { ...(await signed('dora', 'dora-1', 3n)), ...change };
    expect(await reasonOf(submit(action))).toBe('SIGNATURE_INVALID');
    expect(await sql`select from scores where user_id in ('dora', 'mallory')`).toHaveLength(0);
  });

  it.each([
    ['LEADERBOARD_INVALID', { leaderboard: 'no spaces' }],
    ['LEADERBOARD_INVALID', { leaderboard: 'x'.repeat(65) }],
    ['USER_ID_INVALID', { userId: '' }],
    ['USER_ID_INVALID', { userId: 'with space' }],
    ['USER_ID_INVALID', { userId: 'x'.repeat(129) }],
    ['ACTION_ID_INVALID', { actionId: '' }],
    ['ACTION_ID_INVALID', { actionId: 'x'.repeat(65) }],
    ['ACTION_ID_INVALID', { actionId: 'line\nfeed' }],
    ['POINTS_INVALID', { points: MAX_SCORE + 1n }],
    ['SIGNATURE_REQUIRED', { signature: '' }],
  ])('refuses bad input with %s', async (reason, change) => {
    const action = { ...(await signed('eve', 'eve-1', 3n)), ...change };
    expect(await reasonOf(submit(action))).toBe(reason);
  });

  it('takes values at their limits', async () => {
    const [userId, actionId, leaderboard] = ['u'.repeat(128), 'a'.repeat(64), 'b'.repeat(64)];
    expect(await submit(await signed(userId, actionId, MAX_SCORE, leaderboard))).toMatchObject({
      newScore: MAX_SCORE,
    });
    expect(await reasonOf(submit(await signed(userId, 'one-more', 1n, leaderboard)))).toBe(
      'SCORE_LIMIT_REACHED',
    );
    expect(await submit(await signed(userId, 'zero', 0n, leaderboard))).toMatchObject({
      newScore: MAX_SCORE,
      version: 2n,
    });
  });

  it('gives each submission of a batch its own outcome, in order', async () => {
    const good = await signed('fay', 'fay-1', 10n);
    const again = await signed('fay', 'fay-2', 20n);
    const submissions = [
      good,
      { ...good, points: 11n },
      again,
      good,
      await signed('fay', 'fay-1', 12n),
      { ...good, actionId: '' },
    ];
    const { outcomes, boards } = await world.scoreAs('edge').submitScores({ submissions }, call);
    expect(reasonsOf(outcomes)).toEqual([
      'accepted',
      'SIGNATURE_INVALID',
      'accepted',
      'accepted',
      'ACTION_CONFLICT',
      'ACTION_ID_INVALID',
    ]);
    expect(outcomes[2]?.result.value).toMatchObject({ newScore: 30n, version: 2n });
    expect(outcomes[3]?.result.value).toMatchObject({ newScore: 10n, version: 1n, replayed: true });
    expect(boards).toMatchObject([{ leaderboard: 'global' }]);
  });

  it('refuses an empty batch and one beyond the limit', async () => {
    expect(await reasonOf(world.scoreAs('edge').submitScores({ submissions: [] }, call))).toBe(
      'BATCH_SIZE_INVALID',
    );
    const submissions = Array.from({ length: 501 }, () => ({ userId: 'x' }));
    expect(await reasonOf(world.scoreAs('edge').submitScores({ submissions }, call))).toBe(
      'BATCH_SIZE_INVALID',
    );
  });

  it('lets a service that may sign vouch without a signature, and no other', async () => {
    const submission = { userId: 'gus', actionId: 'gus-1', points: 4n };
    expect(await reasonOf(world.scoreAs('edge').submitScore({ submission }, call))).toBe(
      'SIGNATURE_REQUIRED',
    );
    const { accepted } = await world.scoreAs('game').submitScore({ submission }, call);
    expect(accepted).toMatchObject({ newScore: 4n });
    expect(await sql`select caller, key_id from actions where user_id = 'gus'`).toMatchObject([
      { caller: 'game', key_id: '' },
    ]);
  });

  it('answers DEADLINE_EXCEEDED when the caller has no time', async () => {
    const action = await signed('hal', 'hal-1', 1n);
    expect(await reasonOf(world.scoreAs('edge').submitScore({ submission: action }, { deadlineMs: 0 }))).toBe(
      'DEADLINE_EXCEEDED',
    );
  });
});

describe('who may call', () => {
  const calls = {
    submitScore: (key: string) => world.scoreWithKey(key).submitScore({ submission: {} }, call),
    submitScores: (key: string) => world.scoreWithKey(key).submitScores({ submissions: [] }, call),
    getTop: (key: string) => world.rankWithKey(key).getTop({}, call),
    getRank: (key: string) => world.rankWithKey(key).getRank({ userId: 'ada' }, call),
    listAround: (key: string) => world.rankWithKey(key).listAround({ userId: 'ada' }, call),
    projectStates: (key: string) => world.rankWithKey(key).projectStates({}, call),
    getPlaces: (key: string) => world.rankWithKey(key).getPlaces({ queries: [{ userId: 'ada' }] }, call),
  };

  it.each(Object.entries(calls))('%s needs the key of a service that is allowed', async (method, invoke) => {
    expect(await reasonOf(invoke(''))).toBe('SERVICE_KEY_INVALID');
    expect(await reasonOf(invoke('edge.wrong'))).toBe('SERVICE_KEY_INVALID');
    const { accessToken } = await world.authAs('game').issueToken({ userId: 'ada' }, call);
    expect(await reasonOf(invoke(accessToken))).toBe('SERVICE_KEY_INVALID');
    expect(await reasonOf(invoke(world.serviceKeys.auth))).toBe('CALLER_NOT_ALLOWED');
    const forFanout = await reasonOf(invoke(world.serviceKeys.fanout));
    expect(forFanout === 'CALLER_NOT_ALLOWED').toBe(/^(?:submit|project)/.test(method));
  });
});

describe('reading boards', () => {
  it('orders by score, then who reached it first, then user id, and says so everywhere', async () => {
    const board = 'order';
    await submit(await signed('late', 'o1', 5n, board));
    await submit(await signed('early', 'o2', 10n, board));
    await submit(await signed('late', 'o3', 5n, board));
    await submit(await signed('zero', 'o4', 0n, board));
    const reader = world.rankAs('edge', 1);
    const top = await reader.getTop({ leaderboard: board }, call);
    expect(top.entries.map(({ userId, score, rank }) => [userId, score, rank])).toEqual([
      ['early', 10n, 1n],
      ['late', 10n, 2n],
      ['zero', 0n, 3n],
    ]);
    expect(top.entries[0]?.username).toBe('Name of early');
    expect(await reader.getRank({ leaderboard: board, userId: 'late' }, call)).toMatchObject({
      entry: { rank: 2n, score: 10n },
      version: 2n,
      players: 3n,
    });
    const around = await reader.listAround({ leaderboard: board, userId: 'zero', radius: 1 }, call);
    expect(around.entries.map(({ userId }) => userId)).toEqual(['late', 'zero']);
    const truth =
      await sql`select user_id from scores where leaderboard = ${board} order by points desc, reached, user_id`;
    expect(truth.map((row) => row.user_id)).toEqual(['early', 'late', 'zero']);
  });

  it('answers or refuses each of several places by itself', async () => {
    const board = 'places';
    for (const [userId, points] of [
      ['ada', 3n],
      ['bob', 2n],
      ['cy', 1n],
    ] as const) {
      await submit(await signed(userId, `p-${userId}`, points, board));
    }
    const { outcomes } = await world.rankAs('edge').getPlaces(
      {
        queries: [
          { leaderboard: board, userId: 'bob' },
          { leaderboard: board, userId: 'nobody' },
          { leaderboard: board, userId: 'cy', radius: 1 },
          { leaderboard: board, userId: 'ada', minVersion: 2n },
          { leaderboard: board, userId: 'ada', radius: 51 },
          { leaderboard: '*', userId: 'ada' },
        ],
      },
      call,
    );
    const bob = { userId: 'bob', score: 2n, rank: 2n };
    const cy = { userId: 'cy', score: 1n, rank: 3n };
    expect(
      outcomes.map(({ result }) => (result.case === 'refused' ? result.value.reason : result.value)),
    ).toMatchObject([
      { entry: bob, entries: [bob], version: 1n, players: 3n },
      'PLAYER_NOT_FOUND',
      { entry: cy, entries: [bob, cy], version: 1n, players: 3n },
      'VERSION_NOT_REACHED',
      'LIMIT_INVALID',
      'LEADERBOARD_INVALID',
    ]);
  });

  it('refuses what it can not answer', async () => {
    const reader = world.rankAs('edge');
    const many = Array.from({ length: 101 }, () => ({ userId: 'ada' }));
    for (const queries of [[], many]) {
      expect(await reasonOf(reader.getPlaces({ queries }, call))).toBe('BATCH_SIZE_INVALID');
    }
    expect(await reasonOf(reader.getRank({ userId: 'nobody' }, call))).toBe('PLAYER_NOT_FOUND');
    expect(await reasonOf(reader.listAround({ userId: 'nobody' }, call))).toBe('PLAYER_NOT_FOUND');
    expect(await reasonOf(reader.getRank({ userId: 'ada', minVersion: 1_000n }, call))).toBe(
      'VERSION_NOT_REACHED',
    );
    expect(await reasonOf(reader.getTop({ limit: 101 }, call))).toBe('LIMIT_INVALID');
    expect(await reasonOf(reader.listAround({ userId: 'ada', radius: 51 }, call))).toBe('LIMIT_INVALID');
    expect(await reasonOf(reader.getTop({ leaderboard: '*' }, call))).toBe('LEADERBOARD_INVALID');
    expect((await reader.getTop({ leaderboard: 'unknown' }, call)).entries).toEqual([]);
  });
});

describe('events and the outbox', () => {
  it('publishes each commit with the player states and the new top, in growing seq, and settles the outbox', async () => {
    const board = 'events';
    await submit(await signed('ivy', 'e1', 1n, board));
    await submit(await signed('jon', 'e2', 2n, board));
    const seen = await waitFor(() => {
      const own = events.filter((event) => event.leaderboard === board);
      return own.length >= 2 ? own : undefined;
    });
    expect(seen[1]).toMatchObject({
      players: [{ userId: 'jon', score: 2n, rank: 1n, version: 1n }],
      board: { causeUserId: 'jon', causeScore: 2n, entries: [{ userId: 'jon' }, { userId: 'ivy' }] },
    });
    expect(seen[1]?.board?.seq).toBeGreaterThan(seen[0]?.board?.seq ?? 0n);
    await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
  });

  it('leaves the audit log as it was: no update, delete or truncate', async () => {
    for (const statement of ['update actions set points = 0', 'delete from actions', 'truncate actions']) {
      await expect(sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('when the index is lost', () => {
  it('is rebuilt after a flush, with the same board under a newer epoch', async () => {
    const reader = world.rankAs('edge');
    const before = await reader.getTop({}, call);
    await redis.flushall();
    const after = await waitFor(async () => {
      const top = await reader.getTop({}, call);
      return (top.position?.epoch ?? 0n) > (before.position?.epoch ?? 0n) && !top.stale ? top : undefined;
    });
    expect(after.entries).toEqual(before.entries);
  });

  it('holds exactly what Postgres holds, for every player, in value and order', async () => {
    const epoch = (await world.rankAs('edge').getTop({}, call)).position?.epoch ?? 0n;
    const truth =
      await sql`select user_id, points from scores where leaderboard = 'global' order by points desc, reached, user_id`;
    const flat = (await redis.zrange(`sb:${epoch}:global:order`, '0', '-1', 'WITHSCORES')) as string[];
    const index = Array.from({ length: flat.length / 2 }, (_, n) => ({
      user_id: flat[2 * n]?.slice(14),
      points: BigInt((flat[2 * n + 1] ?? '').replace('-', '')),
    }));
    expect(index).toEqual(truth.map(({ user_id, points }) => ({ user_id, points })));
  });
});
