/**
 * The rank index entry by entry, for comparing it with the truth and for putting right what the versioned projection can
 * not. Everything it changes it changes in one step, and only while it is still what was found wrong. A call for an epoch
 * that Redis does not hold answers `undefined`, as everywhere.
 */

import type { RedisClient } from '../../shared/stores/redis.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import { keysOf, REACHED_DIGITS, type Script, script } from './index-scripts.ts';

/** What the index has under one player's name. */
export interface Held {
  /** The hash value as it is; what a repair must find unchanged. */
  readonly raw: string;
  /** Undefined when the value can't be read, or the order lacks the member that it names. */
  readonly state: Omit<PlayerState, 'leaderboard' | 'userId'> | undefined;
}

export interface Inspection {
  /** In the order of the user ids. */
  readonly held: ReadonlyArray<Held | undefined>;
  readonly inHash: number;
  readonly inOrder: number;
}

/** `right` undefined takes the player out. */
export interface Repair {
  readonly userId: string;
  readonly found: Held | undefined;
  readonly right: PlayerState | undefined;
}

export interface IndexContents {
  inspect(epoch: bigint, leaderboard: string, userIds: readonly string[]): Promise<Inspection | undefined>;
  /** How many were still as found, and are right now. */
  repair(epoch: bigint, leaderboard: string, repairs: readonly Repair[]): Promise<number | undefined>;
  /** One page of Redis' keys, from cursor '0' on: the boards of this epoch that have players or places there. */
  scanBoards(epoch: bigint, cursor: string): Promise<{ cursor: string; leaderboards: string[] }>;
  /** One page of the players in the hash, from cursor '0' on; the cursor '0' ends it. */
  scanPlayers(
    epoch: bigint,
    leaderboard: string,
    cursor: string,
  ): Promise<{ cursor: string; userIds: string[] }>;
  /** One page of the order: the members in it that belong to no player. */
  scanStrays(
    epoch: bigint,
    leaderboard: string,
    cursor: string,
    act: 'look' | 'remove',
  ): Promise<{ cursor: string; strays: string[] } | undefined>;
}

/** Players per script: about a millisecond during which Redis serves nobody else. */
const SCRIPT_PLAYERS = 500;
/** Entries looked at per SCAN step. */
const SCAN_COUNT = 500;
/** What is left of a board without players, its count of changes, is none of these. */
const BOARD_KEY = /^sb:\d+:([^:]+):(?:order|players)$/;
const VALUE = /^(\d{1,16}):([0-9a-f]{14}):(.*)$/s;

export function createIndexContents(redis: RedisClient): IndexContents {
  const inspect = script(redis, 'inspect');
  const repair = script(redis, 'repair');
  const strays = script(redis, 'strays');

  return {
    async inspect(epoch, leaderboard, userIds) {
      const held: (Held | undefined)[] = [];
      let counts = { inHash: 0, inOrder: 0 };
      for (let start = 0; start === 0 || start < userIds.length; start += SCRIPT_PLAYERS) {
        const some = userIds.slice(start, start + SCRIPT_PLAYERS);
        const reply = await inspect(keysOf(epoch, leaderboard), [String(epoch), ...some]);
        if (reply[0] !== 'ok') return undefined;
        counts = { inHash: reply[1] as number, inOrder: reply[2] as number };
        const found = reply[3] as (string | null)[];
        for (const at of some.keys()) held.push(toHeld(found[2 * at], found[2 * at + 1]));
      }
      return { held, ...counts };
    },

    async repair(epoch, leaderboard, repairs) {
      let repaired = 0;
      for (let start = 0; start < repairs.length; start += SCRIPT_PLAYERS) {
        const args = repairs.slice(start, start + SCRIPT_PLAYERS).flatMap(toArguments);
        const reply = await repair(keysOf(epoch, leaderboard), [String(epoch), ...args]);
        if (reply[0] !== 'ok') return undefined;
        repaired += reply[1] as number;
      }
      return repaired;
    },

    async scanBoards(epoch, cursor) {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `sb:${epoch}:*`, 'COUNT', SCAN_COUNT);
      const names = keys.flatMap((key) => BOARD_KEY.exec(key)?.[1] ?? []);
      return { cursor: next, leaderboards: [...new Set(names)].sort() };
    },

    async scanPlayers(epoch, leaderboard, cursor) {
      const [, , players = ''] = keysOf(epoch, leaderboard);
      const [next, flat] = await redis.hscan(players, cursor, 'COUNT', SCAN_COUNT);
      return { cursor: next, userIds: flat.filter((_, at) => at % 2 === 0) };
    },

    async scanStrays(epoch, leaderboard, cursor, act) {
      const [, order = ''] = keysOf(epoch, leaderboard);
      const [next, flat] = await redis.zscan(order, cursor, 'COUNT', SCAN_COUNT);
      const members = flat.filter((_, at) => at % 2 === 0);
      const found = await callStrays(strays, epoch, leaderboard, act, members);
      return found && { cursor: next, strays: found };
    },
  };
}

async function callStrays(
  strays: Script,
  epoch: bigint,
  leaderboard: string,
  act: string,
  members: readonly string[],
): Promise<string[] | undefined> {
  const [status, found] = await strays(keysOf(epoch, leaderboard), [String(epoch), act, ...members]);
  return status === 'ok' ? (found as string[]) : undefined;
}

/** Exported for its tests. */
export function toHeld(
  raw: string | null | undefined,
  minusPoints: string | null | undefined,
): Held | undefined {
  if (raw === null || raw === undefined) return undefined;
  const [, version = '', reached = '', username = ''] = VALUE.exec(raw) ?? [];
  if (version === '' || typeof minusPoints !== 'string' || !/^-?\d+$/.test(minusPoints)) {
    return { raw, state: undefined };
  }
  return {
    raw,
    state: {
      username,
      points: -BigInt(minusPoints),
      version: BigInt(version),
      reached: BigInt(`0x${reached}`),
    },
  };
}

function toArguments({ userId, found, right }: Repair): string[] {
  const wrong = found?.raw ?? '';
  if (right === undefined) return [userId, wrong, '', '', ''];
  const reached = right.reached.toString(16).padStart(REACHED_DIGITS, '0');
  return [
    ...[userId, wrong, reached + userId],
    ...[`-${right.points}`, `${right.version}:${reached}:${right.username}`],
  ];
}
