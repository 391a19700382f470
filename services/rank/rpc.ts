/** The gRPC methods of the boards. Each handler parses, calls a use case and answers. */
import { type PlaceQuery, RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { ERROR_TABLE } from '../shared/errors/error-table.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import type { DeploymentId } from '../shared/stores/deployment.ts';
import { TOP_MAX } from '../shared/values/board.ts';
import { parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import { positionToWire } from '../shared/values/position.ts';
import { createEntriesHandlers, type EntriesHandlersOptions } from './entries-rpc.ts';
import type { ReadBoards } from './read/read-boards.ts';
import { toEntry, within } from './read/wire.ts';
import type { ProjectStates } from './states/project-states.ts';
import { parseIndex, parseStates, toProjectedBoard } from './states/states-on-the-wire.ts';

const TOP_DEFAULT = 10;
const RADIUS_DEFAULT = 5;
const RADIUS_MAX = 50;
const MAX_PLACES = 100;
const MAX_CONFIRMED_MS = 60_000;

export interface RankRpcOptions extends EntriesHandlersOptions {
  boards: ReadBoards;
  projectStates: ProjectStates;
  deployment: DeploymentId;
}

export function createRankRpc({
  boards,
  pages,
  standings,
  projectStates,
  deployment,
}: RankRpcOptions): ServiceRegistration {
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
        const limit = within(request.limit, TOP_DEFAULT, TOP_MAX);
        const { board, stale, confirmedMs } = await boards.top(leaderboard, limit);
        return {
          entries: board.entries.map(toEntry),
          position: { leaderboard, ...positionToWire(board.position) },
          stale,
          confirmedMs: confirmedMsToWire(confirmedMs),
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

      ...createEntriesHandlers({ pages, standings }),

      getDeployment: async () => ({ id: deployment }),

      async projectStates(request, { deadline }) {
        const boards = parseStates(request);
        const projected = await projectStates(boards, parseIndex(request.index), deadline);
        return { boards: projected.map(toProjectedBoard) };
      },
    },
    {
      getTop: ['edge', 'fanout', 'game', 'cli'],
      getRank: ['edge', 'fanout', 'game', 'cli'],
      listAround: ['edge', 'fanout', 'game', 'cli'],
      getPlaces: ['edge', 'fanout', 'game', 'cli', 'score'],
      listEntries: ['edge', 'game', 'cli'],
      listPlayers: ['edge', 'fanout', 'game', 'cli'],
      getDeployment: ['fanout'],
      projectStates: ['score'],
    },
  );
}

function toRefused({ kind, reason, message, retryAfterMs }: AppError) {
  return { code: ERROR_TABLE[kind].code, reason, message, retryAfterMs };
}

/** A stale board may have been confirmed long ago, or never. */
function confirmedMsToWire(ms: number | undefined): number {
  return ms === undefined || ms > MAX_CONFIRMED_MS ? 0 : Math.max(1, Math.ceil(ms));
}
