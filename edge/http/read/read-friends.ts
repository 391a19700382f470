/** The use case that ranks some players of a board among themselves, shared by REST and Connect. Each is one call to rank. */
import type { Entry, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../services/shared/flow/deadline.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import { parseUserId } from '../../../services/shared/values/identifiers.ts';
import { type Caller, playerHolder } from '../limits/caller.ts';

export interface Friend {
  /** With the rank on the board. */
  readonly entry: Entry;
  /** The place among those asked for, from 1 on. */
  readonly friendRank: number;
}

export interface Friends {
  /** Best first. */
  readonly friends: readonly Friend[];
  readonly players: bigint;
  readonly stale: boolean;
}

export interface ReadFriendsOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'listPlayers' | 'listEntries'>;
}

export const MAX_FRIENDS = 200;
/** With every user id at its limit, as JSON: 26 KB. */
export const FRIENDS_BODY_LIMIT_BYTES = 32 * 1024;
/** The client waits 2 s. */
const RANK_LIMIT_MS = 1_200;
/** On a board of a million players a call keeps Redis busy for 1.2 ms, in which it serves no other client: 20 ms for all of them. */
const MAX_UNDER_WAY = 16;
const RETRY_AFTER_MS = 1_000;

export type ReadFriends = ReturnType<typeof createReadFriends>;

export function createReadFriends({ rank }: ReadFriendsOptions) {
  const underWay = createShares(MAX_UNDER_WAY);

  /** Nobody to rank: only how many players the board has. */
  async function none(leaderboard: string, call: { requestId: string; limitMs: number }): Promise<Friends> {
    const { players, stale } = await rank.listEntries({ leaderboard, limit: 1 }, call);
    return { friends: [], players, stale };
  }

  async function read(
    leaderboard: string,
    userIds: readonly string[],
    call: { requestId: string; limitMs: number },
  ): Promise<Friends> {
    if (userIds.length === 0) return none(leaderboard, call);
    const { entries, players, stale } = await rank.listPlayers({ leaderboard, userIds: [...userIds] }, call);
    return { friends: entries.map((entry, at) => ({ entry, friendRank: at + 1 })), players, stale };
  }

  /**
   * Players without a score on the board are left out. Refuses with OVERLOADED also if the caller or one address has too many of
   * these calls under way.
   */
  return async (
    query: { readonly leaderboard: string; readonly caller: string; readonly userIds: readonly string[] },
    requestId: string,
    { holders = [], deadline = Deadline.never }: Caller = {},
  ): Promise<Friends> => {
    const giveBack = underWay.take([playerHolder(query.caller), ...holders]);
    if (giveBack === undefined) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
    try {
      const limitMs = Math.max(1, deadline.within(RANK_LIMIT_MS).remainingMs());
      return await read(query.leaderboard, query.userIds, { requestId, limitMs });
    } finally {
      giveBack();
    }
  };
}

/** User ids from a message, each once. */
export function parseFriends(values: unknown): string[] {
  if (!Array.isArray(values)) throw new AppError('BODY_INVALID');
  if (values.length > MAX_FRIENDS) throw new AppError('BATCH_SIZE_INVALID');
  return [...new Set(values.map(parseUserId))];
}
