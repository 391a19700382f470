/** scoreboard.edge.v1.ScoreboardService: the public RPC face over the same use cases as REST. */
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { ScoreboardService } from '../../../gen/scoreboard/edge/v1/scoreboard_pb.ts';
import type { Entry } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { parseActionId, parseLeaderboard, parsePoints } from '../../../services/shared/values/identifiers.ts';
import type { Admission } from '../limits/admission.ts';
import type { Asking } from '../read/asking.ts';
import { NEIGHBOURS, type PlaceQuestion, type Read } from '../read/read.ts';
import type { Exchange } from '../server/exchange.ts';
import type { Submit } from '../submit/submit.ts';
import { parseSignature } from '../submit/submit-body.ts';
import { exchangeOf } from './connect-adapter.ts';

export const SUBMIT_SCORE_PATH = `/${ScoreboardService.typeName}/${ScoreboardService.method.submitScore.name}`;

export interface ScoreboardServiceOptions {
  admission: Admission;
  submit: Submit;
  read: Read;
}

export function registerScoreboardService(
  router: ConnectRouter,
  { admission, submit, read }: ScoreboardServiceOptions,
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
      const { newScore, rank, version, replayed } = await submit.submit(
        player,
        action,
        asking(exchange, context),
      );
      return { newScore, rank, version, replayed };
    },

    async getTop(request, context) {
      const exchange = exchangeOf(context);
      await admission.anybody(exchange);
      const leaderboard = parseLeaderboard(request.leaderboard);
      const { entries, position, stale } = await read.top(
        leaderboard,
        request.limit,
        exchange.requestId,
        asking(exchange, context),
      );
      if (position === undefined) throw new Error('rank answered a board without its position');
      return { entries: entries.map(toEntry), epoch: position.epoch, seq: position.seq, stale };
    },

    async getRank({ leaderboard, minVersion }, context) {
      const { entry, version, players, stale } = await place(context, { leaderboard, radius: 0, minVersion });
      if (entry === undefined) throw new Error('rank answered a place without an entry');
      return { entry: toEntry(entry), version, players, stale };
    },

    async listAround({ leaderboard, radius }, context) {
      const question = { leaderboard, radius: radius === 0 ? NEIGHBOURS : radius, minVersion: 0n };
      const { entries, players, stale } = await place(context, question);
      return { entries: entries.map(toEntry), players, stale };
    },
  });

  function asking(exchange: Exchange, context: HandlerContext): Asking {
    return { holders: admission.holders(exchange), patienceMs: context.timeoutMs() };
  }

  async function place(context: HandlerContext, question: Omit<PlaceQuestion, 'userId'>) {
    const exchange = exchangeOf(context);
    const { userId } = await admission.reader(exchange);
    const leaderboard = parseLeaderboard(question.leaderboard);
    return read.place({ ...question, leaderboard, userId }, asking(exchange, context));
  }
}

/** The same fields, as another message. */
function toEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score, rank };
}
