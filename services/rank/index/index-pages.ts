/** Parts of a board from the rank index: a page at any depth, or some of its players. Each is one call of a script. */
import type { RedisClient } from '../../shared/stores/redis/redis.ts';
import type { Page, PageStart, Standings } from '../../shared/values/board.ts';
import type { IndexDamage } from './damage.ts';
import { lastKey, parseEntries } from './entries.ts';
import type { IndexKeys } from './index-keys.ts';
import { script, toMember, toSortedSetScore } from './index-scripts.ts';

export interface IndexPagesOptions {
  redis: RedisClient;
  damage: IndexDamage;
  keys: IndexKeys;
  isTrusted: () => boolean;
}

export function createIndexPages({ redis, damage, keys, isTrusted }: IndexPagesOptions) {
  const readStandings = damage.watched(script(redis, 'standings'));
  const readPage = damage.watched(script(redis, 'page'));
  return {
    /** A page of the board; null if it is to be around a player without a score. */
    async page(
      epoch: bigint,
      leaderboard: string,
      start: PageStart,
      limit: number,
    ): Promise<Page | null | undefined> {
      if (!isTrusted()) return undefined;
      const args = [String(epoch), String(limit), ...toArguments(start)];
      const [status, players, first, flat] = await readPage(keys.of(epoch, leaderboard), args);
      if (status !== 'ok') return undefined;
      if (first === undefined) return null;
      const entries = parseEntries(flat as string[], Number(first) + 1);
      const isLast = Number(first) + entries.length >= Number(players);
      return { entries, players: Number(players), last: isLast ? undefined : lastKey(flat as string[]) };
    },

    /** These players, best first. Those without a score are left out. */
    async standings(
      epoch: bigint,
      leaderboard: string,
      userIds: readonly string[],
    ): Promise<Standings | undefined> {
      if (!isTrusted()) return undefined;
      const reply = await readStandings(keys.of(epoch, leaderboard), [String(epoch), ...userIds]);
      const [status, players, flat, ranks] = reply;
      if (status !== 'ok') return undefined;
      const found = parseEntries(flat as string[], 1);
      const entries = found.map((entry, at) => ({ ...entry, rank: Number((ranks as number[])[at]) + 1 }));
      return { entries: entries.sort((a, b) => a.rank - b.rank), players: Number(players) };
    },
  };
}

function toArguments(start: PageStart): string[] {
  if (start.at === 'rank') return ['rank', String(start.rank - 1)];
  if (start.at === 'around') return ['around', start.userId];
  return ['after', toSortedSetScore(start.key.points), toMember(start.key)];
}
