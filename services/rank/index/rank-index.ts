/**
 * The rank index in Redis: derived, rebuildable, and written only by versioned compare-and-set. Every key carries its
 * epoch, so a new epoch is built beside the one that counts and takes over by one write of the pointer `sb:epoch`.
 * A call for an epoch that Redis does not hold answers `undefined`: the index is missing, older or newer than asked. So does
 * every call on a new connection until its Redis has been recognised: another life of it may hold older data under the
 * same epoch.
 */

import type { RedisClient } from '../../shared/stores/redis.ts';
import {
  type Board,
  type Entry,
  type PlayerState,
  type Position,
  TOP_SIZE,
} from '../../shared/values/board.ts';
import { keysOf, POINTER, REACHED_DIGITS, script } from './index-scripts.ts';

/** Written to find out whether Redis takes writes: one that is full, or can not save, still answers readers. */
const PROBE = 'sb:probe';
const seenKey = (epoch: bigint) => `sb:${epoch}:seen`;
/** Keys looked at per SCAN step, and removed per UNLINK, when an old epoch is cleared away. */
const SCAN_COUNT = 500;

export interface Projection {
  readonly position: Position;
  /** Ranks from 1, in the order of the players given. */
  readonly ranks: readonly number[];
  /** The new top, when this call changed it. */
  readonly board: Board | undefined;
}

export interface Neighbourhood {
  readonly players: number;
  /** Best first. Empty when the player has no score here. */
  readonly entries: readonly Entry[];
  readonly self: { readonly entry: Entry; readonly version: bigint } | undefined;
}

export interface IndexIdentity {
  readonly epoch: bigint | undefined;
  readonly runId: string;
  /** Counts connections: on another one, another process may answer. */
  readonly connection: number;
}

export interface RankIndex {
  /** Writes states of one board to the epoch that counts. */
  project(
    epoch: bigint,
    leaderboard: string,
    players: readonly PlayerState[],
  ): Promise<Projection | undefined>;
  /**
   * Writes states of one board to an epoch under construction, or one that was when the caller last looked. False when a later
   * epoch counts by now: nothing was written then.
   */
  projectShadow(epoch: bigint, leaderboard: string, players: readonly PlayerState[]): Promise<boolean>;
  /** Writes a part of a board, as the truth packs it, to an epoch under construction. */
  load(epoch: bigint, leaderboard: string, packed: string): Promise<void>;
  top(epoch: bigint, leaderboard: string, limit: number): Promise<Board | undefined>;
  around(
    epoch: bigint,
    leaderboard: string,
    userId: string,
    radius: number,
  ): Promise<Neighbourhood | undefined>;
  /** Makes an epoch the one that counts. */
  pointTo(epoch: bigint): Promise<void>;
  /** The epoch that Redis says counts, which Redis process says so, and on which connection. Rejects while it takes no writes. */
  identity(): Promise<IndexIdentity>;
  /** The Redis that was met on this connection is the one that Postgres says counts. */
  trust(connection: number): void;
  /** Keeps the time that Postgres noted when it last heard that this epoch was found here. */
  noteSeen(epoch: bigint, seenAt: bigint): Promise<void>;
  /** That time; 0 when none was kept. */
  seenAt(epoch: bigint): Promise<bigint>;
  /** While boards are not read from here: nothing counts, and the room of every epoch before this one is free again. */
  clear(epoch: bigint): Promise<void>;
  /** Removes the keys of every epoch before this one. A later one may be under construction by another process. */
  dropOlder(epoch: bigint): Promise<void>;
}

function argumentsOf(players: readonly PlayerState[]): string[] {
  const args: string[] = [];
  for (const player of players) {
    args.push(
      player.reached.toString(16).padStart(REACHED_DIGITS, '0') + player.userId,
      `-${player.points}`,
      String(player.version),
      player.username,
    );
  }
  return args;
}

/** [member ' ' version:reached:username, minus points, …] → entries. A user id holds no space. */
function parseEntries(flat: readonly string[], firstRank: number): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const [described = '', minusPoints = '0'] = [flat[i], flat[i + 1]];
    const space = described.indexOf(' ');
    const nameStart = described.indexOf(':', space) + 1 + REACHED_DIGITS + 1;
    entries.push({
      userId: described.slice(REACHED_DIGITS, space),
      username: described.slice(nameStart),
      score: BigInt(minusPoints.replace('-', '')),
      rank: firstRank + i / 2,
    });
  }
  return entries;
}

async function dropOlder(redis: RedisClient, epoch: bigint): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', 'sb:[0-9]*:*', 'COUNT', SCAN_COUNT);
    const old = keys.filter((key) => BigInt(/^sb:(\d+):/.exec(key)?.[1] ?? epoch) < epoch);
    if (old.length > 0) await redis.unlink(...old);
    cursor = next;
  } while (cursor !== '0');
}

export function createRankIndex(redis: RedisClient): RankIndex {
  const project = script(redis, 'project');
  const load = script(redis, 'load');
  const top = script(redis, 'top');
  const around = script(redis, 'around');
  let connection = 0;
  let trusted: number | undefined;
  redis.on('close', () => {
    connection += 1;
  });

  return {
    async project(epoch, leaderboard, players) {
      if (trusted !== connection) return undefined;
      const args = [String(epoch), 'live', String(TOP_SIZE), ...argumentsOf(players)];
      const [status, seq, ranks, flat] = await project(keysOf(epoch, leaderboard), args);
      if (status !== 'ok') return undefined;
      const position = { epoch, seq: BigInt(seq as string) };
      return {
        position,
        ranks: (ranks as number[]).map((rank) => rank + 1),
        board: Array.isArray(flat) ? { ...position, entries: parseEntries(flat as string[], 1) } : undefined,
      };
    },

    async projectShadow(epoch, leaderboard, players) {
      const args = [String(epoch), 'shadow', String(TOP_SIZE), ...argumentsOf(players)];
      const [status] = await project(keysOf(epoch, leaderboard), args);
      return status === 'ok';
    },

    async load(epoch, leaderboard, packed) {
      await load(keysOf(epoch, leaderboard).slice(1, 3), [packed]);
    },

    async top(epoch, leaderboard, limit) {
      if (trusted !== connection) return undefined;
      const [status, seq, flat] = await top(keysOf(epoch, leaderboard), [String(epoch), String(limit)]);
      if (status !== 'ok') return undefined;
      return {
        epoch,
        seq: BigInt((seq as string | null) ?? '0'),
        entries: parseEntries(flat as string[], 1),
      };
    },

    async around(epoch, leaderboard, userId, radius) {
      if (trusted !== connection) return undefined;
      const args = [String(epoch), userId, String(radius)];
      const [status, players, first, flat, rank, version] = await around(keysOf(epoch, leaderboard), args);
      if (status !== 'ok') return undefined;
      const entries = parseEntries(flat as string[], Number(first) + 1);
      const own = entries.find((entry) => entry.rank === Number(rank) + 1);
      return {
        players: Number(players),
        entries,
        self: own === undefined ? undefined : { entry: own, version: BigInt(version as string) },
      };
    },

    async pointTo(epoch) {
      await redis.set(POINTER, String(epoch));
    },

    async identity() {
      const asked = connection;
      // A Redis that started again is of no use before its scripts are there, nor is one that takes no writes.
      const hasScripts = project(keysOf(0n, ''), ['0', 'shadow', String(TOP_SIZE)]);
      const [pointer, info] = await Promise.all([
        redis.get(POINTER),
        redis.info('server'),
        redis.set(PROBE, ''),
        hasScripts,
      ]);
      const runId = /^run_id:(\w+)/m.exec(info)?.[1];
      if (runId === undefined) throw new Error('Redis does not tell its run id');
      return { epoch: pointer === null ? undefined : BigInt(pointer), runId, connection: asked };
    },

    trust(met) {
      trusted = met;
    },

    async noteSeen(epoch, seenAt) {
      await redis.set(seenKey(epoch), String(seenAt));
    },

    async seenAt(epoch) {
      return BigInt((await redis.get(seenKey(epoch))) ?? 0);
    },

    async clear(epoch) {
      // First the pointer: whoever still believes that an old epoch counts must not find an empty board under it.
      await redis.unlink(POINTER);
      await dropOlder(redis, epoch);
    },

    dropOlder: (epoch) => dropOlder(redis, epoch),
  };
}
