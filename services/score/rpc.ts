/** The gRPC face of the score service: each handler says who, what, do, answer. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type BoardPositionSchema,
  type PlaceQuery,
  ScoreService,
} from '../../gen/scoreboard/score/v1/score_pb.ts';
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
const MAX_PLACES = 100;

type PositionInit = MessageInitShape<typeof BoardPositionSchema>;

export function createScoreRpc(submitScores: SubmitScores, boards: ReadBoards): ServiceRegistration {
  async function place(query: Omit<PlaceQuery, '$typeName'>) {
    const { entry, version, players, entries, stale } = await boards.place(
      parseLeaderboard(query.leaderboard),
      parseUserId(query.userId),
      within(query.radius, 0, RADIUS_MAX),
      query.minVersion,
    );
    const shown = { entry: toEntry(entry), entries: entries.map(toEntry) };
    return { ...shown, version, players: BigInt(players), stale };
  }

  /** A refusal is the outcome of its query; anything else fails the call. */
  async function placeOutcome(query: PlaceQuery) {
    try {
      return { result: { case: 'place' as const, value: await place(query) } };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      return { result: { case: 'refused' as const, value: toRefused(thrown) } };
    }
  }

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

      async getRank({ leaderboard, userId, minVersion }) {
        const { entry, version, players, stale } = await place({
          leaderboard,
          userId,
          minVersion,
          radius: 0,
        });
        return { entry, version, players, stale };
      },

      async listAround({ leaderboard, userId, radius }) {
        const query = {
          leaderboard,
          userId,
          minVersion: 0n,
          radius: within(radius, RADIUS_DEFAULT, RADIUS_MAX),
        };
        const { entries, players, stale } = await place(query);
        return { entries, players, stale };
      },

      async getPlaces({ queries }) {
        if (queries.length < 1 || queries.length > MAX_PLACES) throw new AppError('BATCH_SIZE_INVALID');
        return { outcomes: await Promise.all(queries.map(placeOutcome)) };
      },
    },
    {
      submitScore: ['edge', 'game', 'cli'],
      submitScores: ['edge', 'game', 'cli'],
      getTop: ['edge', 'fanout', 'game', 'cli'],
      getRank: ['edge', 'fanout', 'game', 'cli'],
      listAround: ['edge', 'fanout', 'game', 'cli'],
      getPlaces: ['edge', 'fanout', 'game', 'cli'],
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
