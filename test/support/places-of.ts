/** Finds where a text is stored. */
import type { Sql } from '../../services/shared/stores/postgres/postgres.ts';
import type { RedisClient } from '../../services/shared/stores/redis/redis.ts';

/** Every table of Postgres and every key of Redis that contains the text. */
export async function placesOf(text: string, sql: Sql, redis: RedisClient): Promise<string[]> {
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
