/** Everything at once: many players, repeats and conflicts through two of everything, and one truth at the end. */

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { growsStrictly, type LiveClient, openLive, positions } from '../../support/clients/live-client.ts';
import { patient } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../support/worlds/whole-world.ts';

const PLAYERS = 200;
const ACTIONS_PER_PLAYER = 15;
/** Few different values, so that ties are the rule. */
const POINTS = [0, 1, 5, 10];
const AT_ONCE = 48;
const SOCKETS_PER_NODE = 4;
const RETRYABLE: ReadonlySet<number> = new Set([429, 503, 504]);

interface SignedAction {
  readonly userId: string;
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

interface Reply {
  readonly action: SignedAction;
  readonly status: number;
  readonly replayed: boolean;
  readonly body: { newScore?: number; rank?: number; reason?: string };
}

interface Row {
  readonly userId: string;
  readonly username: string;
  readonly points: number;
  readonly version: number;
}

let world: WholeWorld;
let sql: Sql;
let redis: Redis;
const sockets: LiveClient[] = [];
const replies: Reply[] = [];
const tokens = new Map<string, string>();

const userIds = Array.from({ length: PLAYERS }, (_, index) => `player-${index}`);
const keyOf = ({ userId, actionId }: SignedAction) => `${userId} ${actionId}`;

beforeAll(async () => {
  world = await startWholeWorld({ each: 2 });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
  redis = new Redis(world.redisUrl);
  await Promise.all(
    userIds.map(async (userId) => {
      const { accessToken } = await patient(world.authAs('cli')).issueToken({ userId }, { limitMs: 10_000 });
      tokens.set(userId, accessToken);
    }),
  );
  for (const url of world.fanoutUrls) {
    for (let index = 0; index < SOCKETS_PER_NODE; index += 1) {
      const token = tokens.get(userIds[index] ?? '') ?? '';
      const protocols = index % 2 === 0 ? ['scoreboard.v1', `bearer.${token}`] : [];
      sockets.push(await openLive(url, { protocols }));
    }
  }
  await submitAll(await signAll());
});

afterAll(async () => {
  for (const socket of sockets) socket.close();
  redis?.disconnect();
  await sql?.end();
  await world?.stop();
});

/** Every action once to three times, and for some the same id with other points, in no order at all. */
async function signAll(): Promise<SignedAction[]> {
  const wanted: Omit<SignedAction, 'signature'>[] = [];
  for (const [number, userId] of userIds.entries()) {
    for (let index = 0; index < ACTIONS_PER_PLAYER; index += 1) {
      const points = POINTS[(number + index) % POINTS.length] ?? 0;
      const action = { userId, actionId: `action-${index}`, points };
      for (let copy = 0; copy <= (number + index) % 3; copy += 1) wanted.push(action);
      if (index % 7 === 0) wanted.push({ ...action, points: points + 1_000 });
    }
  }
  const signed: SignedAction[] = [];
  for (let from = 0; from < wanted.length; from += 500) {
    const part = wanted.slice(from, from + 500);
    const actions = part.map((action) => ({ ...action, points: BigInt(action.points) }));
    const { signatures } = await patient(world.authAs('game')).signActions({ actions }, { limitMs: 10_000 });
    signed.push(...part.map((action, at) => ({ ...action, signature: signatures[at]?.signature ?? '' })));
  }
  return signed.sort((a, b) => (a.signature < b.signature ? -1 : 1));
}

async function submitAll(actions: readonly SignedAction[]): Promise<void> {
  const left = [...actions.entries()];
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [number, action] = next;
      replies.push(await submit(world.edgeUrls[number % world.edgeUrls.length] ?? '', action));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** By the documented rule: what was not answered for good is sent again, unchanged. */
async function submit(edgeUrl: string, action: SignedAction): Promise<Reply> {
  return waitFor(
    async () => {
      const reply = await submitOnce(edgeUrl, action);
      return RETRYABLE.has(reply.status) ? undefined : reply;
    },
    { everyMs: 250, limitMs: 120_000 },
  );
}

async function submitOnce(edgeUrl: string, action: SignedAction): Promise<Reply> {
  const { userId, ...body } = action;
  const response = await fetch(`${edgeUrl}/api/v1/score/update`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.get(userId)}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    action,
    status: response.status,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    body: (await response.json()) as Reply['body'],
  };
}

/** One answer for each action that counted. A retry may have been the first to be answered, so it may say "replayed". */
function counted(): Map<string, Reply> {
  return new Map(
    replies.filter(({ status }) => status === 200).map((reply) => [keyOf(reply.action), reply] as const),
  );
}

/** In the one total order. */
async function truth(): Promise<Row[]> {
  const rows = await sql<{ user_id: string; username: string; points: bigint; version: bigint }[]>`
    select user_id, username, points, version from scores where leaderboard = 'global'
    order by points desc, reached, user_id`;
  return rows.map((row) => ({
    userId: row.user_id,
    username: row.username,
    points: Number(row.points),
    version: Number(row.version),
  }));
}

describe('after thousands of submissions through two edges and two score services', () => {
  test('every submission was accepted, repeated or refused as a conflict', () => {
    const outcomes = new Set(replies.map(({ status, body }) => `${status} ${body.reason ?? ''}`));
    expect([...outcomes].sort()).toEqual(['200 ', '409 ACTION_CONFLICT']);
    expect(replies.length).toBeGreaterThan(PLAYERS * ACTIONS_PER_PLAYER * 2);
  });

  test('each action counted exactly once, and all its answers name one score', async () => {
    const accepted = replies.filter(({ status }) => status === 200);
    const firsts = accepted.filter(({ replayed }) => !replayed);
    expect(new Set(firsts.map(({ action }) => keyOf(action))).size).toBe(firsts.length);
    const oneAnswer = counted();
    expect(oneAnswer.size).toBe(PLAYERS * ACTIONS_PER_PLAYER);
    for (const { action, body } of accepted) {
      expect(body.newScore).toBe(oneAnswer.get(keyOf(action))?.body.newScore);
    }
  });

  test('scores are the sums of the accepted actions, with versions that count them', async () => {
    const expected = new Map<string, number>();
    for (const { action } of counted().values()) {
      expected.set(action.userId, (expected.get(action.userId) ?? 0) + action.points);
    }
    const rows = await truth();
    expect(new Map(rows.map(({ userId, points }) => [userId, points]))).toEqual(expected);
    expect(rows.every(({ version }) => version === ACTIONS_PER_PLAYER)).toBe(true);
    const [audit] = await sql<{ gaps: number }[]>`
      select count(*)::int as gaps from (
        select version - row_number() over (partition by user_id order by version) as gap,
               score_after - sum(points) over (partition by user_id order by version) as drift
        from actions) as chain where gap <> 0 or drift <> 0`;
    expect(audit?.gaps).toBe(0);
  });

  test('Redis holds what Postgres holds, for every player in value and order', async () => {
    const rows = await truth();
    await waitFor(async () => {
      const [outbox] = await sql<{ left: number }[]>`select count(*)::int as left from outbox`;
      return outbox?.left === 0 || undefined;
    });
    const epoch = await redis.get('sb:epoch');
    const order = await redis.zrange(`sb:${epoch}:global:order`, '0', '-1', 'WITHSCORES');
    const players = await redis.hgetall(`sb:${epoch}:global:players`);
    const inRedis: Pick<Row, 'userId' | 'points' | 'version'>[] = [];
    for (let at = 0; at < order.length; at += 2) {
      const userId = (order[at] ?? '').slice(14);
      const version = Number((players[userId] ?? '').split(':')[0]);
      inRedis.push({ userId, points: -Number(order[at + 1]), version });
    }
    expect(inRedis).toEqual(rows.map(({ userId, points, version }) => ({ userId, points, version })));
    expect(Object.keys(players)).toHaveLength(rows.length);
  });

  test('every socket shows the same final board, and none saw a position go back', async () => {
    const top = (await truth()).slice(0, 10).map(({ userId, username, points }, index) => ({
      userId,
      username,
      score: points,
      rank: index + 1,
    }));
    const finalFrames = await Promise.all(
      sockets.map(({ frames }) =>
        waitFor(() => {
          const last = frames.findLast(({ leaderboard }) => leaderboard !== undefined);
          return JSON.stringify(last?.leaderboard) === JSON.stringify(top) ? last : undefined;
        }),
      ),
    );
    const places = finalFrames.map(({ epoch, seq }) => `${epoch}:${seq}`);
    expect(new Set(places).size).toBe(1);
    for (const { frames } of sockets) expect(growsStrictly(positions(frames))).toBe(true);
    const lists = await Promise.all(
      world.edgeUrls.map(async (url) => (await fetch(`${url}/api/v1/scoreboard/top`)).json()),
    );
    for (const list of lists) expect(list).toEqual(top.map(({ username, score }) => ({ username, score })));
  });

  test('each signed-in socket heard of its own player up to the last version, and of nobody else', async () => {
    for (const [index, { frames, protocol }] of sockets.entries()) {
      const own = () => frames.filter(({ version }) => version !== undefined);
      if (protocol === '') {
        expect(own()).toEqual([]);
        continue;
      }
      await waitFor(() => own().some(({ version }) => version === ACTIONS_PER_PLAYER) || undefined);
      const userId = userIds[index % SOCKETS_PER_NODE];
      expect(own().every((frame) => frame.userId === userId)).toBe(true);
      const versions = own().map(({ version }) => version ?? 0);
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    }
  });
});
