/**
 * What makes a server answer and not do what it is asked, or fail at its disk: each is done, lasts for a while, and ends when
 * the server can do its work again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectNats } from '../../../../services/shared/stores/nats/nats.ts';
import { connectPostgres, type Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { setJetStream } from '../../../support/servers/jetstream.ts';
import { waitFor } from '../../../support/wait-for.ts';
import type { ServerName } from '../stack/components.ts';
import type { FaultStack } from '../stack/stack.ts';

const COMMAND_LIMIT_MS = 2_000;
const FLUSH_EVERY_MS = 200;
/** The supervisor finds the fault, and starts the server again. */
const MENDED_WITHIN = { limitMs: 40_000, describe: 'a server that does its work again' };

export async function withRedis<Answer>(
  { direct }: FaultStack,
  work: (redis: RedisClient) => Promise<Answer>,
): Promise<Answer> {
  const redis = connectRedis({
    ...{ url: direct.redisUrl, connectionName: 'driver', commandTimeoutMs: COMMAND_LIMIT_MS },
    log: createSilentLog(),
  });
  try {
    if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

export async function flushScripts(stack: FaultStack, lastsMs: number): Promise<void> {
  const untilMs = performance.now() + lastsMs;
  await withRedis(stack, async (redis) => {
    do {
      await redis.script('FLUSH');
      await sleep(FLUSH_EVERY_MS);
    } while (performance.now() < untilMs);
  });
}

async function withPostgres<Answer>({ direct }: FaultStack, work: (sql: Sql) => Promise<Answer>) {
  const sql = connectPostgres({
    ...{ url: direct.databaseUrl, connections: 1, applicationName: 'driver' },
    statementTimeoutMs: COMMAND_LIMIT_MS,
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

export function makeReadOnly(stack: FaultStack, lastsMs: number): Promise<void> {
  return withPostgres(stack, async (sql) => {
    await sql`alter system set default_transaction_read_only = on`;
    await sql`select pg_reload_conf()`;
    await sleep(lastsMs);
    await sql`alter system reset default_transaction_read_only`;
    await sql`select pg_reload_conf()`;
  });
}

/** The supervisor alone gives it back, by a new start. */
export async function disableJetStream(stack: FaultStack): Promise<void> {
  const pid = stack.pidOf('nats');
  stack.expectEnd('nats');
  setJetStream({ dataDir: stack.folderOf('nats'), pid }, false);
  await waitFor(() => stack.pidOf('nats') !== pid || undefined, MENDED_WITHIN);
}

/** While it is full, and until it is mended, its server may end as often as it has to. */
export async function fillDisk(server: ServerName, stack: FaultStack, lastsMs: number): Promise<void> {
  const disk = stack.disks[server];
  if (disk === undefined) throw new Error(`the run gave ${server} no file system of its own`);
  stack.allowEnds(server, true);
  await disk.fill();
  await sleep(lastsMs);
  disk.free();
  await waitFor(async () => (await worksAgain(server, stack).catch(() => false)) || undefined, MENDED_WITHIN);
  stack.allowEnds(server, false);
}

function worksAgain(server: ServerName, stack: FaultStack): Promise<boolean> {
  if (server === 'nats') return answersJetStream(stack);
  return withPostgres(stack, async (sql) => {
    await sql`select 1`;
    return true;
  });
}

async function answersJetStream({ direct }: FaultStack): Promise<boolean> {
  const nats = await connectNats({ url: direct.natsUrl, name: 'driver', log: createSilentLog() });
  try {
    const manager = await nats.jetstreamManager({ timeout: COMMAND_LIMIT_MS, checkAPI: false });
    await manager.getAccountInfo();
    return true;
  } finally {
    await nats.close();
  }
}
