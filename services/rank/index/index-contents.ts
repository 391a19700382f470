/**
 * The rank index entry by entry: to compare it with Postgres, and to repair what the versioned projection can't. A repair
 * changes an entry in one step, and only while it is still what was found wrong. A call for an epoch that Redis does not hold
 * returns `undefined`, as in rank-index.ts.
 */
import type { RedisClient } from '../../shared/stores/redis/redis.ts';
import { isOnBoard, type PlayerState } from '../../shared/values/board.ts';
import type { IndexDamage } from './damage.ts';
import type { IndexKeys } from './index-keys.ts';
import { REACHED_DIGITS, type Script, script, toPlaceScore } from './index-scripts.ts';

/** The entry of one player in the index. */
export interface Held {
  /** The hash value. A repair must find it unchanged. */
  readonly raw: string;
  /**
   * Undefined when the value can't be parsed, or the sorted set lacks the member that it names. The points of a player who is not on
   * the board are 0, since the index does not have them.
   */
  readonly state: Omit<PlayerState, 'leaderboard' | 'userId'> | undefined;
}

export interface Inspection {
  /** In the order of the user ids. */
  readonly held: ReadonlyArray<Held | undefined>;
  readonly inHash: number;
  readonly inOrder: number;
}

/** Without `right` the player is removed. */
export interface Repair {
  readonly userId: string;
  readonly found: Held | undefined;
  readonly right: PlayerState | undefined;
}

/** Players per script: about a millisecond, during which Redis serves no other client. */
const SCRIPT_PLAYERS = 500;
/** Entries per SCAN step. */
const SCAN_COUNT = 500;
const VALUE = /^(\d{1,16}):([0-9a-f]{14}):(.*)$/s;

export type IndexContents = ReturnType<typeof createIndexContents>;

export function createIndexContents(redis: RedisClient, damage: IndexDamage, keys: IndexKeys) {
  const inspect = damage.watched(script(redis, 'inspect'));
  const repair = damage.watched(script(redis, 'repair'));
  const strays = damage.watched(script(redis, 'strays'));

  return {
    async inspect(
      epoch: bigint,
      leaderboard: string,
      userIds: readonly string[],
    ): Promise<Inspection | undefined> {
      const held: (Held | undefined)[] = [];
      let counts = { inHash: 0, inOrder: 0 };
      for (let start = 0; start === 0 || start < userIds.length; start += SCRIPT_PLAYERS) {
        const some = userIds.slice(start, start + SCRIPT_PLAYERS);
        const reply = await inspect(keys.of(epoch, leaderboard), [String(epoch), ...some]);
        if (reply[0] !== 'ok') return undefined;
        counts = { inHash: reply[1] as number, inOrder: reply[2] as number };
        const found = reply[3] as (string | null)[];
        for (const at of some.keys()) held.push(toHeld(found[2 * at], found[2 * at + 1]));
      }
      return { held, ...counts };
    },

    /** Returns how many entries were still as found, and are right now. */
    async repair(
      epoch: bigint,
      leaderboard: string,
      repairs: readonly Repair[],
    ): Promise<number | undefined> {
      let repaired = 0;
      for (let start = 0; start < repairs.length; start += SCRIPT_PLAYERS) {
        const args = repairs.slice(start, start + SCRIPT_PLAYERS).flatMap(toArguments);
        const reply = await repair(keys.of(epoch, leaderboard), [String(epoch), ...args]);
        if (reply[0] !== 'ok') return undefined;
        repaired += reply[1] as number;
      }
      return repaired;
    },

    /** One page of Redis' keys, from cursor '0' on: the boards of this epoch that have players or places. */
    async scanBoards(epoch: bigint, cursor: string): Promise<{ cursor: string; leaderboards: string[] }> {
      const [next, found] = await redis.scan(cursor, 'MATCH', keys.pattern(epoch), 'COUNT', SCAN_COUNT);
      const names = found.flatMap((key) => keys.boardOf(key) ?? []);
      return { cursor: next, leaderboards: [...new Set(names)].sort() };
    },

    /** One page of the players in the hash, from cursor '0' on. The cursor '0' is the end. */
    async scanPlayers(
      epoch: bigint,
      leaderboard: string,
      cursor: string,
    ): Promise<{ cursor: string; userIds: string[] }> {
      const [, , players = ''] = keys.of(epoch, leaderboard);
      const [next, flat] = await redis.hscan(players, cursor, 'COUNT', SCAN_COUNT);
      return { cursor: next, userIds: flat.filter((_, at) => at % 2 === 0) };
    },

    /** One page of the sorted set: its members that belong to no player. */
    async scanStrays(
      epoch: bigint,
      leaderboard: string,
      cursor: string,
      act: 'look' | 'remove',
    ): Promise<{ cursor: string; strays: string[] } | undefined> {
      const [, order = ''] = keys.of(epoch, leaderboard);
      const [next, flat] = await redis.zscan(order, cursor, 'COUNT', SCAN_COUNT);
      const members = flat.filter((_, at) => at % 2 === 0);
      const found = await callStrays(strays, keys.of(epoch, leaderboard), [String(epoch), act, ...members]);
      return found && { cursor: next, strays: found };
    },
  };
}

async function callStrays(
  strays: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<string[] | undefined> {
  const [status, found] = await strays(keys, args);
  return status === 'ok' ? (found as string[]) : undefined;
}

/** Exported for its tests. */
export function toHeld(
  raw: string | null | undefined,
  minusValue: string | null | undefined,
): Held | undefined {
  if (raw === null || raw === undefined) return undefined;
  const [, version = '', hexReached = '', username = ''] = VALUE.exec(raw) ?? [];
  if (version === '') return { raw, state: undefined };
  const state = { username, version: BigInt(version), reached: BigInt(`0x${hexReached}`) };
  const hasMember = typeof minusValue === 'string';
  if (hasMember !== isOnBoard(state)) return { raw, state: undefined };
  if (!hasMember) return { raw, state: { ...state, points: 0n } };
  return { raw, state: /^-?\d+$/.test(minusValue) ? { ...state, points: -BigInt(minusValue) } : undefined };
}

function toArguments({ userId, found, right }: Repair): string[] {
  const wrong = found?.raw ?? '';
  if (right === undefined) return [userId, wrong, '', '', ''];
  const reached = right.reached.toString(16).padStart(REACHED_DIGITS, '0');
  return [
    ...[userId, wrong, reached + userId],
    ...[toPlaceScore(right), `${right.version}:${reached}:${right.username}`],
  ];
}
