/**
 * The rank index in Redis: derived from Postgres, rebuildable, and written only by versioned compare-and-set. Every key
 * contains its epoch, so a new epoch is built beside the one that counts and takes over by one write of the pointer.
 * A call for an epoch that Redis does not hold returns `undefined`: the index is missing, older or newer. So does every call on a
 * new connection until its Redis has been recognised: another Redis, or an old copy of its data, may hold other boards under
 * the same epoch.
 */
import type { RedisClient } from '../../shared/stores/redis/redis.ts';
import { type Board, type Entry, type PlayerState, TOP_SIZE } from '../../shared/values/board.ts';
import type { Position } from '../../shared/values/position.ts';
import type { IndexPlace } from './claim-index.ts';
import type { IndexDamage } from './damage.ts';
import { parseEntries } from './entries.ts';
import { createEpochKeys } from './epoch-keys.ts';
import { createIndexPages } from './index-pages.ts';
import { script, toMember, toPlaceScore } from './index-scripts.ts';
import { createRecognisedConnection } from './recognised-connection.ts';

export interface Projection {
  readonly position: Position;
  /** In the order of the players given; 0 for one who is not on the board. */
  readonly ranks: readonly number[];
  /** The new top, if this call changed it. */
  readonly board: Board | undefined;
}

export interface Neighbourhood {
  readonly players: number;
  /** Best first. Empty when the player has no score on the board. */
  readonly entries: readonly Entry[];
  readonly self: { readonly entry: Entry; readonly version: bigint } | undefined;
  /** The version of a player who was on the board and is not any more. */
  readonly offBoard?: bigint | undefined;
}

function argumentsOf(players: readonly PlayerState[]): string[] {
  const args: string[] = [];
  for (const player of players) {
    args.push(toMember(player), toPlaceScore(player), String(player.version), player.username);
  }
  return args;
}

export type RankIndex = ReturnType<typeof createRankIndex>;

export function createRankIndex(redis: RedisClient, damage: IndexDamage, place: IndexPlace) {
  const { keys } = place;
  const project = damage.watched(script(redis, 'project'));
  const load = script(redis, 'load');
  const top = damage.watched(script(redis, 'top'));
  const around = damage.watched(script(redis, 'around'));
  const { isTrusted, trust, identity } = createRecognisedConnection(redis, damage, place);

  return {
    /** Writes states of one board to the epoch that counts. */
    async project(
      epoch: bigint,
      leaderboard: string,
      players: readonly PlayerState[],
    ): Promise<Projection | undefined> {
      if (!isTrusted()) return undefined;
      const args = [String(epoch), 'live', String(TOP_SIZE), ...argumentsOf(players)];
      const [status, seq, ranks, flat] = await project(keys.of(epoch, leaderboard), args);
      if (status !== 'ok') return undefined;
      const position = { epoch, seq: BigInt(seq as string) };
      return {
        position,
        ranks: (ranks as number[]).map((rank) => rank + 1),
        board: Array.isArray(flat) ? { position, entries: parseEntries(flat as string[], 1) } : undefined,
      };
    },

    /**
     * Writes states of one board to an epoch that is under construction, or was when the caller read the state. False when a
     * later epoch counts by now; nothing is written then.
     */
    async projectShadow(
      epoch: bigint,
      leaderboard: string,
      players: readonly PlayerState[],
    ): Promise<boolean> {
      const args = [String(epoch), 'shadow', String(TOP_SIZE), ...argumentsOf(players)];
      const [status] = await project(keys.of(epoch, leaderboard), args);
      return status === 'ok';
    },

    /** Writes a part of a board, packed by Postgres, to an epoch under construction. */
    async load(epoch: bigint, leaderboard: string, packed: string): Promise<void> {
      await load(keys.of(epoch, leaderboard).slice(1, 3), [packed]);
    },

    async top(epoch: bigint, leaderboard: string, limit: number): Promise<Board | undefined> {
      if (!isTrusted()) return undefined;
      const [status, seq, flat] = await top(keys.of(epoch, leaderboard), [String(epoch), String(limit)]);
      if (status !== 'ok') return undefined;
      return {
        position: { epoch, seq: BigInt(seq as string) },
        entries: parseEntries(flat as string[], 1),
      };
    },

    /** A player with `radius` neighbours on each side. */
    async around(
      epoch: bigint,
      leaderboard: string,
      userId: string,
      radius: number,
    ): Promise<Neighbourhood | undefined> {
      if (!isTrusted()) return undefined;
      const args = [String(epoch), userId, String(radius)];
      const [status, players, first, flat, rank, version] = await around(keys.of(epoch, leaderboard), args);
      if (status !== 'ok') return undefined;
      const entries = parseEntries(flat as string[], Number(first) + 1);
      const own = entries.find((entry) => entry.rank === Number(rank) + 1);
      return {
        players: Number(players),
        entries,
        self: own === undefined ? undefined : { entry: own, version: BigInt(version as string) },
        offBoard: Number(rank) === -1 ? BigInt(version as string) : undefined,
      };
    },

    ...createIndexPages({ redis, damage, keys, isTrusted }),
    ...{ trust, identity },
    ...createEpochKeys(redis, keys),
  };
}
