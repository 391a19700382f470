/** The gRPC face of the boards: each handler says who, what, do, answer. */
import { type PlaceQuery, RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { ERROR_TABLE } from '../shared/errors/error-table.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import { type Entry, TOP_MAX } from '../shared/values/board.ts';
import { parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import type { ReadBoards } from './read/read-boards.ts';
import type { ProjectStates } from './states/project-states.ts';
import { parseIndex, parseStates, toProjectedBoard } from './states/states-on-the-wire.ts';

const TOP_DEFAULT = 10;
const RADIUS_DEFAULT = 5;
const RADIUS_MAX = 50;
const MAX_PLACES = 100;

export function createRankRpc(boards: ReadBoards, projectStates: ProjectStates): ServiceRegistration {
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
    RankService,
    {
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

      async projectStates(request, { remainingMs }) {
        const boards = parseStates(request);
        const projected = await projectStates(boards, parseIndex(request.index), remainingMs);
        return { boards: projected.map(toProjectedBoard) };
      },
    },
    {
      getTop: ['edge', 'fanout', 'game', 'cli'],
      getRank: ['edge', 'fanout', 'game', 'cli'],
      listAround: ['edge', 'fanout', 'game', 'cli'],
      getPlaces: ['edge', 'fanout', 'game', 'cli', 'score'],
      projectStates: ['score'],
    },
  );
}

function within(value: number, fallback: number, max: number): number {
  if (value > max) throw new AppError('LIMIT_INVALID', { message: `The page size must be 1 to ${max}.` });
  return value === 0 ? fallback : value;
}

function toRefused({ kind, reason, message, retryAfterMs }: AppError) {
  return { code: ERROR_TABLE[kind].code, reason, message, retryAfterMs };
}

function toEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score, rank: BigInt(rank) };
}
