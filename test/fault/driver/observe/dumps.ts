/** What Postgres and Redis hold and what readers are answered, read past every proxy once all is at rest. */

import { connectPostgres, type Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis } from '../../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import type {
  ActionRow,
  BoardRow,
  CorrectionRow,
  Dumps,
  FlagRow,
  PostgresDump,
  RedisDump,
  ScoreRow,
} from '../../record/record.ts';
import type { FaultStack } from '../stack/stack.ts';
import { dumpAudit } from './audit-dump.ts';

const STATEMENT_LIMIT_MS = 60_000;
const REDIS_LIMIT_MS = 10_000;
/** A member of the index: 14 hexadecimal digits of the position, and the user id. */
const REACHED_DIGITS = 14;

export async function dumpStack(stack: FaultStack): Promise<Dumps> {
  const postgres = await dumpPostgres(stack);
  const boards = [...new Set(postgres.scores.map(({ leaderboard }) => leaderboard))];
  const [redis, ...wireTops] = await Promise.all([
    dumpRedis(stack, boards),
    ...boards.map((leaderboard) => readTop(stack.direct.edgeUrl, leaderboard)),
  ]);
  return { postgres, redis, wireTops };
}

/** How many rows of the outbox wait. */
export async function countOutbox(stack: FaultStack): Promise<number> {
  return withPostgres(stack, async (sql) => (await sql`select from outbox`).length);
}

/** How many batches no link of the audit chain seals yet. */
export async function countUnsealed(stack: FaultStack): Promise<number> {
  return withPostgres(stack, async (sql) => (await sql`select from audit_batches where seq is null`).length);
}

export async function readFlags(stack: FaultStack): Promise<FlagRow[]> {
  return withPostgres(stack, flagsIn);
}

async function flagsIn(sql: Sql): Promise<FlagRow[]> {
  return [...(await sql<FlagRow[]>`select leaderboard, user_id as "userId", reason from player_flags`)];
}

function withPostgres<Result>({ direct }: FaultStack, work: (sql: Sql) => Promise<Result>): Promise<Result> {
  const sql = connectPostgres({
    ...{ url: direct.databaseUrl, connections: 1, applicationName: 'checker' },
    statementTimeoutMs: STATEMENT_LIMIT_MS,
  });
  return work(sql).finally(() => sql.end());
}

function dumpPostgres(stack: FaultStack): Promise<PostgresDump> {
  return withPostgres(stack, async (sql) => {
    // float8 holds every number up to 2^53-1 exactly.
    const actions = await sql<ActionRow[]>`
      select position::float8, leaderboard, user_id as "userId", action_id as "actionId", points::float8,
             score_after::float8 as "scoreAfter", version::float8, key_id as "keyId", caller from actions`;
    const corrections = await sql<CorrectionRow[]>`
      select position::float8, operation_id as "operationId", leaderboard, user_id as "userId", kind,
             coalesce(amount, 0)::float8 as amount, coalesce(action_id, '') as "actionId" from corrections`;
    const scores = await sql<ScoreRow[]>`
      select leaderboard, user_id as "userId", abs(points)::float8 as points, version::float8, reached::float8 from scores`;
    const boards = await sql<BoardRow[]>`select name, operator, sort_order as "order" from boards`;
    const outbox = await sql<{ state: 'pending' | 'dead'; ageMs: number }[]>`
      select state, (extract(epoch from now() - created_at) * 1000)::float8 as "ageMs" from outbox`;
    const tops = await sql<{ leaderboard: string; userIds: string[] }[]>`
      select b.leaderboard, array_to_json(array(
        select s.user_id from scores s where s.leaderboard = b.leaderboard and s.reached < 9007199254740990
        order by s.points desc, s.reached, s.user_id limit 10)) as "userIds"
      from (select distinct leaderboard from scores) b`;
    return {
      actions: [...actions],
      corrections: [...corrections],
      scores: [...scores],
      boards: [...boards],
      outbox: [...outbox],
      deadRowsTold: null,
      tops: [...tops],
      audit: await dumpAudit(sql, stack.dataDir),
      flags: await flagsIn(sql),
    };
  });
}

async function dumpRedis({ direct }: FaultStack, leaderboards: readonly string[]): Promise<RedisDump> {
  const redis = connectRedis({
    ...{ url: direct.redisUrl, connectionName: 'checker', commandTimeoutMs: REDIS_LIMIT_MS },
    log: createSilentLog(),
  });
  try {
    if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
    const epoch = await redis.get('sb:epoch');
    const boards = await Promise.all(
      leaderboards.map(async (leaderboard) => {
        const [order, players] = await Promise.all([
          redis.zrange(`sb:${epoch}:${leaderboard}:order`, 0, '-1', 'WITHSCORES'),
          redis.hgetall(`sb:${epoch}:${leaderboard}:players`),
        ]);
        return { leaderboard, members: toMembers(order, players) };
      }),
    );
    return { epoch: epoch === null ? null : Number(epoch), boards };
  } finally {
    redis.disconnect();
  }
}

function toMembers(order: readonly string[], players: Readonly<Record<string, string>>) {
  const members: Omit<ScoreRow, 'leaderboard'>[] = [];
  for (let at = 0; at < order.length; at += 2) {
    const [member = '', minusPoints = '0'] = [order[at], order[at + 1]];
    const userId = member.slice(REACHED_DIGITS);
    members.push({
      userId,
      points: Math.abs(Number(minusPoints)),
      version: Number(players[userId]?.split(':')[0] ?? 0),
      reached: Number.parseInt(member.slice(0, REACHED_DIGITS), 16),
    });
  }
  return members;
}

async function readTop(edgeUrl: string, leaderboard: string) {
  const response = await fetch(`${edgeUrl}/scoreboard.edge.v1.ScoreboardService/GetTop`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ leaderboard }),
  });
  const { entries = [] } = (await response.json()) as { entries?: { userId: string; score?: string }[] };
  return {
    leaderboard,
    entries: entries.map(({ userId, score }) => ({ userId, score: Number(score ?? 0) })),
  };
}
