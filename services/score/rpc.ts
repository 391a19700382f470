/** The gRPC face of the score service: each handler says who, what, do, answer. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import { type BoardPositionSchema, ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../shared/app-error.ts';
import { ERROR_TABLE } from '../shared/error-table.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc.ts';
import { parseLeaderboard, parseUserId } from '../shared/identifiers.ts';
import { MAX_BATCH } from './accept-store.ts';
import { type Entry, TOP_MAX } from './board.ts';
import type { ReadBoards } from './read-boards.ts';
import type { Answer, SubmitScores } from './submit-scores.ts';

const TOP_DEFAULT = 10;
const RADIUS_DEFAULT = 5;
const RADIUS_MAX = 50;

type PositionInit = MessageInitShape<typeof BoardPositionSchema>;

export function createScoreRpc(submitScores: SubmitScores, boards: ReadBoards): ServiceRegistration {
  return registerService(
    ScoreService,
    {
      async submitScore({ submission }, { caller, remainingMs }) {
        if (submission === undefined) throw new AppError('BATCH_SIZE_INVALID');
        const [outcome] = await submitScores.submit([submission], caller, remainingMs);
        if (outcome === undefined) throw new Error('a submission was not answered');
        if (outcome instanceof AppError) throw outcome;
        const [board] = newestPositions([outcome]);
        return { accepted: toAccepted(outcome), ...(board && { board }) };
      },

      async submitScores({ submissions }, { caller, remainingMs }) {
        if (submissions.length < 1 || submissions.length > MAX_BATCH)
          throw new AppError('BATCH_SIZE_INVALID');
        const outcomes = await submitScores.submit(submissions, caller, remainingMs);
        return {
          outcomes: outcomes.map((outcome) => ({
            result:
              outcome instanceof AppError
                ? { case: 'refused' as const, value: toRefused(outcome) }
                : { case: 'accepted' as const, value: toAccepted(outcome) },
          })),
          boards: newestPositions(outcomes),
        };
      },

      async getTop(request) {
        const leaderboard = parseLeaderboard(request.leaderboard);
        const { board, stale } = await boards.top(leaderboard, within(request.limit, TOP_DEFAULT, TOP_MAX));
        return {
          entries: board.entries.map(toEntry),
          position: { leaderboard, epoch: board.epoch, seq: board.seq },
          stale,
        };
      },

      async getRank(request) {
        const leaderboard = parseLeaderboard(request.leaderboard);
        const place = await boards.rank(leaderboard, parseUserId(request.userId), request.minVersion);
        return {
          entry: toEntry(place.entry),
          version: place.version,
          players: BigInt(place.players),
          stale: place.stale,
        };
      },

      async listAround(request) {
        const leaderboard = parseLeaderboard(request.leaderboard);
        const radius = within(request.radius, RADIUS_DEFAULT, RADIUS_MAX);
        const around = await boards.around(leaderboard, parseUserId(request.userId), radius);
        const { players, entries, stale } = around;
        return { entries: entries.map(toEntry), players: BigInt(players), stale };
      },
    },
    {
      submitScore: ['edge', 'game', 'cli'],
      submitScores: ['edge', 'game', 'cli'],
      getTop: ['edge', 'fanout', 'game', 'cli'],
      getRank: ['edge', 'fanout', 'game', 'cli'],
      listAround: ['edge', 'fanout', 'game', 'cli'],
    },
  );
}

function within(value: number, fallback: number, max: number): number {
  if (value > max) throw new AppError('LIMIT_INVALID', { message: `The page size must be 1 to ${max}.` });
  return value === 0 ? fallback : value;
}

function toAccepted({ newScore, rank, version, replayed }: Answer) {
  return { newScore, rank: BigInt(rank), version, replayed };
}

function toRefused({ kind, reason, message, retryAfterMs }: AppError) {
  return { code: ERROR_TABLE[kind].code, reason, message, retryAfterMs };
}

function toEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score, rank: BigInt(rank) };
}

/** Compared as (epoch, seq), one per board. */
function newestPositions(outcomes: ReadonlyArray<Answer | AppError>): PositionInit[] {
  const newest = new Map<string, { leaderboard: string; epoch: bigint; seq: bigint }>();
  for (const outcome of outcomes) {
    if (outcome instanceof AppError || outcome.position === undefined) continue;
    const { leaderboard, position } = outcome;
    const known = newest.get(leaderboard);
    const isNewer =
      known === undefined ||
      position.epoch > known.epoch ||
      (position.epoch === known.epoch && position.seq > known.seq);
    if (isNewer) newest.set(leaderboard, { leaderboard, epoch: position.epoch, seq: position.seq });
  }
  return [...newest.values()];
}
