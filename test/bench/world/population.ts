/** Fills a board with players that were there before, straight into Postgres, and has the rank index built from it. */
import { Redis } from 'ioredis';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { FILLER_DIGITS, FILLER_PREFIX } from '../generator/fillers.ts';
import type { World } from './world.ts';

export interface Population {
  /** Gives every player with a token a score, and adds fillers until there are this many players. */
  fill(players: number): Promise<void>;
  /** Lets Redis forget everything, and resolves with how many seconds passed until a new index counted; undefined when none came. */
  rebuild(limitMs?: number): Promise<number | undefined>;
  /** Bytes that Redis and Postgres use for the board. */
  bytes(): Promise<{ redis: number; postgres: number }>;
  close(): Promise<void>;
}

/** Five million rows take half a minute. */
const STATEMENT_TIMEOUT_MS = 300_000;
export const REBUILD_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 10;

export function openPopulation(world: World): Population {
  const sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'scoreboard-bench',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const redis = new Redis(world.redisUrl);
  let filled = 0;
  return {
    async fill(players) {
      await sql`
        insert into scores (leaderboard, user_id, username, points, version, reached)
        select 'global', p.user_id, p.username, 1, 1, 1 from players p on conflict do nothing`;
      const fillers = players - world.players.length;
      await sql`
        insert into scores (leaderboard, user_id, username, points, version, reached)
        select 'global', ${FILLER_PREFIX} || lpad(g::text, ${FILLER_DIGITS}, '0'), 'Filler ' || g,
               1 + (g::bigint * 7919) % 1000003, 1, g + 2
        from generate_series(${filled}::int, ${fillers - 1}::int) g`;
      filled = Math.max(filled, fillers);
      // What a table that grew slowly would have had done to it long ago.
      await sql`vacuum analyze scores`;
      await sql`checkpoint`;
    },
    async rebuild(limitMs = REBUILD_LIMIT_MS) {
      const before = await epochOf(sql);
      const startedMs = performance.now();
      // Beside the main thread: Redis must be empty, not away for the seconds that a million entries take.
      await redis.flushdb('ASYNC');
      const elapsedMs = () => performance.now() - startedMs;
      while ((await epochOf(sql)) <= before) {
        if (elapsedMs() > limitMs) return undefined;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      return elapsedMs() / 1000;
    },
    async bytes() {
      const [row] = await sql<{ bytes: bigint }[]>`select pg_total_relation_size('scores') as bytes`;
      const used = /^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1];
      return { redis: Number(used ?? 0), postgres: Number(row?.bytes ?? 0n) };
    },
    async close() {
      redis.disconnect();
      await sql.end({ timeout: 1 });
    },
  };
}

/** 0 while ranks do not come from Redis. */
async function epochOf(sql: Sql): Promise<bigint> {
  const [row] = await sql<{ epoch: bigint }[]>`
    select case when source = 'redis' then epoch else 0 end as epoch from rank_index`;
  return row?.epoch ?? 0n;
}
