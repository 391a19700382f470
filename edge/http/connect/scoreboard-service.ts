/** scoreboard.edge.v1.ScoreboardService: the public RPCs over the same use cases as REST. */
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { type ListEntriesRequest, ScoreboardService } from '../../../gen/scoreboard/edge/v1/scoreboard_pb.ts';
import type { Entry } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { Deadline } from '../../../services/shared/flow/deadline.ts';
import { parseActionId, parseLeaderboard, parsePoints } from '../../../services/shared/values/identifiers.ts';
import { positionToWire } from '../../../services/shared/values/position.ts';
import type { BoardList } from '../boards/board-list.ts';
import type { Admission } from '../limits/admission.ts';
import type { Caller } from '../limits/caller.ts';
import { percentileOf } from '../read/percentile.ts';
import { NEIGHBOURS, type PlaceQuery, type Read } from '../read/read.ts';
import { parseFriends, type ReadFriends } from '../read/read-friends.ts';
import type { PageQuery, ReadPages } from '../read/read-pages.ts';
import type { Exchange } from '../server/exchange.ts';
import type { Submit } from '../submit/submit.ts';
import { parseSignature } from '../submit/submit-body.ts';
import { exchangeOf } from './call.ts';

export const SUBMIT_SCORE_PATH = `/${ScoreboardService.typeName}/${ScoreboardService.method.submitScore.name}`;

export interface ScoreboardServiceOptions {
  admission: Admission;
  submit: Pick<Submit, 'submit'>;
  read: Pick<Read, 'top' | 'place'>;
  pages: ReadPages;
  friends: ReadFriends;
  boardList: Pick<BoardList, 'get'>;
}

export function registerScoreboardService(
  router: ConnectRouter,
  { admission, submit, read, pages, friends, boardList }: ScoreboardServiceOptions,
): void {
  router.service(ScoreboardService, {
    async submitScore(request, context) {
      const exchange = exchangeOf(context);
      const player = await admission.scorer(exchange);
      const action = {
        leaderboard: parseLeaderboard(request.leaderboard),
        actionId: parseActionId(request.actionId),
        points: parsePoints(request.points),
        signature: parseSignature(request.signature),
      };
      const accepted = await submit.submit(player, action, callerOf(exchange, context));
      const { newScore, rank = 0, version, replayed } = accepted;
      return { newScore, rank: BigInt(rank), version, replayed };
    },

    async getTop({ leaderboard, limit }, context) {
      const exchange = exchangeOf(context);
      await admission.anonymous(exchange);
      const caller = callerOf(exchange, context);
      const top = await read.top(parseLeaderboard(leaderboard), limit, exchange.requestId, caller);
      return { entries: top.entries.map(toEntry), ...positionToWire(top.position), stale: top.stale };
    },

    async listEntries(request, context) {
      const exchange = exchangeOf(context);
      const { limit } = request;
      const isOwn = request.start.case === 'aroundMe' && request.start.value;
      const me = isOwn ? await admission.reader(exchange) : await admission.anonymous(exchange);
      const leaderboard = parseLeaderboard(request.leaderboard);
      const query = { leaderboard, limit, start: toStart(request.start, me?.userId ?? '') };
      const page = await pages.page(query, exchange.requestId, callerOf(exchange, context));
      const { players, next, stale } = page;
      return { entries: page.entries.map(toEntry), players, next, stale };
    },

    async listLeaderboards(_, context) {
      await admission.anonymous(exchangeOf(context));
      return { leaderboards: [...(await boardList.get()).leaderboards] };
    },

    async getRank({ leaderboard, minVersion }, context) {
      const { entry, version, players, stale } = await place(context, { leaderboard, radius: 0, minVersion });
      if (entry === undefined) throw new Error('rank answered a place without an entry');
      return { entry: toEntry(entry), version, players, stale };
    },

    async getMe({ leaderboard, minVersion }, context) {
      const { entry, version, players, stale } = await place(context, { leaderboard, radius: 0, minVersion });
      if (entry === undefined) throw new Error('rank answered a place without an entry');
      return {
        entry: toEntry(entry),
        version,
        players,
        percentile: percentileOf(entry.rank, players),
        stale,
      };
    },

    async listFriends(request, context) {
      const exchange = exchangeOf(context);
      const { userId } = await admission.reader(exchange);
      const leaderboard = parseLeaderboard(request.leaderboard);
      const query = { leaderboard, caller: userId, userIds: parseFriends(request.userIds) };
      const found = await friends(query, exchange.requestId, callerOf(exchange, context));
      const listed = found.friends.map(({ entry, friendRank }) => ({ entry: toEntry(entry), friendRank }));
      return { friends: listed, players: found.players, stale: found.stale };
    },

    async listAround({ leaderboard, radius }, context) {
      const query = { leaderboard, radius: radius === 0 ? NEIGHBOURS : radius };
      const { entries, players, stale } = await place(context, query);
      return { entries: entries.map(toEntry), players, stale };
    },
  });

  function callerOf(exchange: Exchange, context: HandlerContext): Caller {
    const limitMs = context.timeoutMs();
    return {
      holders: admission.holders(exchange),
      deadline: limitMs === undefined ? undefined : Deadline.after(limitMs),
    };
  }

  async function place(context: HandlerContext, query: Omit<PlaceQuery, 'userId'>) {
    const exchange = exchangeOf(context);
    const { userId } = await admission.reader(exchange);
    const leaderboard = parseLeaderboard(query.leaderboard);
    return read.place({ ...query, leaderboard, userId }, callerOf(exchange, context));
  }
}

/** Without around_me the page begins at the first place. */
function toStart(start: ListEntriesRequest['start'], userId: string): PageQuery['start'] {
  if (start.case !== 'aroundMe') return start;
  return start.value ? { case: 'aroundUserId', value: userId } : { case: undefined };
}

/** The same fields, as the public message. */
function toEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score, rank };
}
