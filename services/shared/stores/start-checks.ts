/**
 * What score and rank ask of their servers before they serve. A setting that would break a promise is refused with one
 * line that says how to fix it; a server that does not answer is no reason to refuse, only to wait or to go on without it.
 */
import { AppError } from '../errors/app-error.ts';
import type { Log } from '../telemetry/log.ts';
import { arrayLiteral, isRefused, type PostgresPool } from './postgres.ts';
import type { RedisClient } from './redis.ts';

/** A server's settings break a promise. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
}

export const POSTGRES_LIMIT_MS = 1_000;
const RETRY_EVERY_MS = 250;

/** With any of these off, a score that was acknowledged is lost when the machine stops. */
const DURABLE_SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit'];

/** With any other isolation a statement's snapshot may be older than its locks, which await-writers.ts relies on. */
const ISOLATION = { name: 'default_transaction_isolation', setting: 'read committed' };

/** Waits until Postgres answers and takes writes, and refuses one that could lose what it confirmed. */
export async function checkPostgres(pool: PostgresPool, log: Log): Promise<void> {
  const settings = await whenItAnswers(
    () =>
      pool.run(
        (sql) => sql<{ name: string; setting: string }[]>`
          select name, setting from pg_settings where name = any(${arrayLiteral([...DURABLE_SETTINGS, ISOLATION.name])}::text[])`,
        POSTGRES_LIMIT_MS,
      ),
    log,
  );
  const off = settings.filter(({ setting }) => setting === 'off').map(({ name }) => name);
  if (off.length > 0) {
    const fix = off.map((name) => `alter system set ${name} = on;`).join(' ');
    throw unfit(`with ${off.join(', ')} off and could lose an acknowledged score`, fix);
  }
  const isolation = settings.find(({ name }) => name === ISOLATION.name)?.setting;
  if (isolation !== ISOLATION.setting) {
    const fix = `alter system set ${ISOLATION.name} = '${ISOLATION.setting}';`;
    throw unfit(`its transactions as ${isolation}, and boards could miss a score`, fix);
  }
  // The first thing that a start does is to write the epoch.
  await whenItAnswers(() => pool.checkWritable(POSTGRES_LIMIT_MS), log);
}

const unfit = (how: string, fix: string) =>
  new UnfitServerError(
    `Postgres runs ${how}: run "${fix} select pg_reload_conf();" and take it out of its command line, roles and databases`,
  );

/**
 * Refuses a Redis that may throw keys away when it is full: the order of a board is one key, and without it the board would
 * be empty while Redis still says that it holds the right epoch. With `volatile-*` the index would stay, but rate limits,
 * which do expire, would be forgotten early. Without a memory limit nothing is ever evicted, whatever the policy. Asked by
 * INFO, since hosted servers often refuse CONFIG.
 */
export async function checkRedis(redis: Pick<RedisClient, 'info'>): Promise<void> {
  const memory = await redis.info('memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  const limit = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0);
  if (limit === 0 || policy === undefined || policy === 'noeviction') return;
  throw new UnfitServerError(
    `Redis may evict keys (${policy}), and boards would lose players: run "redis-cli config set maxmemory-policy noeviction" and set it in redis.conf`,
  );
}

/** Checks Redis now if it is there, and whenever it comes back: it may come back as another one. */
export async function checkRedisFromNowOn(redis: RedisClient, log: Log): Promise<void> {
  const check = async () => {
    try {
      await checkRedis(redis);
    } catch (error) {
      if (error instanceof UnfitServerError) throw error;
      log.warn({ err: error }, 'redis was not checked');
    }
  };
  await firstNewsOf(redis);
  if (redis.status === 'ready') await check();
  // Caught by nobody: the process ends, and refuses to start with the same line.
  redis.on('ready', () => void check());
}

/** Resolves when Redis is connected, or is known to be away: the service starts without it then. */
function firstNewsOf(redis: RedisClient): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  const news = ['ready', 'error', 'close'] as const;
  return new Promise((resolve) => {
    const heard = () => {
      for (const event of news) redis.off(event, heard);
      resolve();
    };
    for (const event of news) redis.on(event, heard);
  });
}

/** Waits for a Postgres that is away. */
export async function whenItAnswers<Answer>(ask: () => Promise<Answer>, log: Log): Promise<Answer> {
  let told = false;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isAway =
        error instanceof AppError && (error.kind === 'unavailable' || error.kind === 'deadline_exceeded');
      // What it says of the user or the database is the line that helps.
      if (isAway && isRefused(error)) throw error.cause;
      if (!isAway) throw error;
      if (!told) log.warn({ err: error }, 'waiting for postgres');
      told = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY_EVERY_MS));
    }
  }
}
