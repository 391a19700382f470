/** The gRPC method that reads a board page by page. */
import type { ListEntriesRequest } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { type PageStart, TOP_MAX } from '../shared/values/board.ts';
import { MAX_SCORE, parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import { formatCursor, parseCursor } from './read/cursor.ts';
import type { ReadPages } from './read/read-pages.ts';
import { toEntry, within } from './read/wire.ts';

const LIMIT_DEFAULT = 10;

export function createEntriesHandlers(pages: ReadPages) {
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
  };
}

function toStart(leaderboard: string, start: ListEntriesRequest['start']): PageStart {
  if (start.case === 'cursor') return { at: 'after', key: parseCursor(leaderboard, start.value) };
  if (start.case === 'aroundUserId') return { at: 'around', userId: parseUserId(start.value) };
  const rank = start.case === 'fromRank' ? start.value : 1n;
  if (rank < 1n || rank > MAX_SCORE) throw new AppError('QUERY_INVALID', { message: 'Ranks count from 1.' });
  return { at: 'rank', rank: Number(rank) };
}
