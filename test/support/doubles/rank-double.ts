/** A rank service whose boards the test sets. It serves the fan-out alone. */
import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type PlaceQuery,
  PlaceSchema,
  RankService,
  RefusedSchema,
} from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { type Handlers, registerService } from '../../../services/shared/grpc/grpc.ts';
import type { digestServiceKeys } from '../../../services/shared/identity/service-keys.ts';
import { serveDouble } from './serve.ts';

export interface TestEntry {
  userId: string;
  score: number;
}

export interface TestBoard {
  leaderboard?: string;
  epoch?: number;
  seq: number;
  entries?: TestEntry[];
  /** Whether the rank service calls it stale. */
  stale?: boolean;
}

/** A player's own place. */
export interface TestPlace {
  leaderboard?: string;
  userId: string;
  score: number;
  rank: number;
  version: number;
}

export const entriesOf = ({ entries = [] }: TestBoard) =>
  entries.map(({ userId, score }) => ({ userId, username: userId, score: BigInt(score) }));

export async function startRankDouble(
  digests: ReturnType<typeof digestServiceKeys>,
  deployment: string = randomUUID(),
) {
  const boards = new Map<string, TestBoard>();
  const places = new Map<string, TestPlace>();
  let down = false;
  let reads = 0;
  const refuse = () => Promise.reject(new AppError('CALLER_NOT_ALLOWED'));
  function outcomeOf({ leaderboard, userId }: PlaceQuery) {
    const place = places.get(`${leaderboard} ${userId}`);
    if (place === undefined) {
      const refused = create(RefusedSchema, { code: 5, reason: 'PLAYER_NOT_FOUND', message: 'none' });
      return { case: 'refused', value: refused } as const;
    }
    const { score, rank, version } = place;
    const entry = { userId, username: userId, score: BigInt(score), rank: BigInt(rank) };
    return {
      case: 'place',
      value: create(PlaceSchema, { entry, version: BigInt(version), entries: [entry] }),
    } as const;
  }
  const handlers: Handlers<typeof RankService> = {
    projectStates: refuse,
    getRank: refuse,
    listAround: refuse,
    listEntries: refuse,
    listPlayers: refuse,
    async getPlaces({ queries }) {
      if (down) throw new AppError('STORE_UNAVAILABLE');
      return { outcomes: queries.map((query) => ({ result: outcomeOf(query) })) };
    },
    getDeployment: async () => ({ id: deployment }),
    async getTop({ leaderboard }) {
      reads += 1;
      if (down) throw new AppError('STORE_UNAVAILABLE');
      const board = boards.get(leaderboard) ?? { seq: 0 };
      const position = { leaderboard, epoch: BigInt(board.epoch ?? 1), seq: BigInt(board.seq) };
      return { entries: entriesOf(board), position, stale: board.stale ?? false };
    },
  };
  const allow = {
    projectStates: [],
    getRank: [],
    listAround: [],
    listEntries: [],
    listPlayers: [],
    getPlaces: ['fanout'],
    getTop: ['fanout'],
    getDeployment: ['fanout'],
  } as const;
  const server = await serveDouble(registerService(RankService, handlers, allow), digests);
  return {
    port: server.port,
    stop: () => server.stop(),
    set(board: TestBoard) {
      boards.set(board.leaderboard ?? 'global', board);
    },
    setPlace(place: TestPlace) {
      places.set(`${place.leaderboard ?? 'global'} ${place.userId}`, place);
    },
    /** The number of boards read so far. */
    get reads() {
      return reads;
    },
    setDown(isDown: boolean) {
      down = isDown;
    },
  };
}
