/** The gRPC methods that read a part of a board: a page, or some of its players. */
import type { ListEntriesRequest, ListPlayersRequest } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { type PageStart, TOP_MAX } from '../shared/values/board.ts';
import { MAX_SCORE, parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import { formatCursor, parseCursor } from './read/cursor.ts';
import type { ReadPages } from './read/read-pages.ts';
import type { ReadStandings } from './read/read-standings.ts';
import { toEntry, within } from './read/wire.ts';

const LIMIT_DEFAULT = 10;

/** 200 whom somebody asks for, with room for the one who asks. */
const MAX_PLAYERS = 250;

export interface EntriesHandlersOptions {
  pages: ReadPages;
  standings: ReadStandings;
}

export function createEntriesHandlers({ pages, standings }: EntriesHandlersOptions) {
  return {
    async listEntries(request: ListEntriesRequest) {
      const leaderboard = parseLeaderboard(request.leaderboard);
      const limit = within(request.limit, LIMIT_DEFAULT, TOP_MAX);
      const { entries, players, last, stale } = await pages.page(
        leaderboard,
        toStart(leaderboard, request.start),
        limit,
      );
      const next = last === undefined ? '' : formatCursor(leaderboard, last);
      return { entries: entries.map(toEntry), players: BigInt(players), next, stale };
    },

    async listPlayers(request: ListPlayersRequest) {
      const leaderboard = parseLeaderboard(request.leaderboard);
      const [first, ...others] = new Set(request.userIds.map(parseUserId));
      if (first === undefined || request.userIds.length > MAX_PLAYERS)
        throw new AppError('BATCH_SIZE_INVALID');
      const { entries, players, stale } = await standings(leaderboard, [first, ...others]);
      return { entries: entries.map(toEntry), players: BigInt(players), stale };
    },
  };
}

function toStart(leaderboard: string, start: ListEntriesRequest['start']): PageStart {
  if (start.case === 'cursor') return { at: 'after', key: parseCursor(leaderboard, start.value) };
  if (start.case === 'aroundUserId') return { at: 'around', userId: parseUserId(start.value) };
  const rank = start.case === 'fromRank' ? start.value : 1n;
  if (rank < 1n || rank > MAX_SCORE) throw new AppError('QUERY_INVALID', { message: 'Ranks count from 1.' });
  return { at: 'rank', rank: Number(rank) };
}
