/** The reading use cases of the edge, shared by REST and Connect. The number of readings under way is bounded. */
import type {
  Entry,
  GetRankResponse,
  GetTopResponse,
  ListAroundResponse,
  ScoreService,
} from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../services/shared/app-error.ts';
import type { CallOptions, GrpcClient } from '../../services/shared/grpc.ts';

/** For whom a reading is made. */
export interface Reader {
  readonly requestId: string;
  /** How long the client waits at most, when it said so. */
  readonly patienceMs?: number | undefined;
}

export interface Read {
  top(leaderboard: string, limit: number, reader: Reader): Promise<GetTopResponse>;
  rank(leaderboard: string, userId: string, minVersion: bigint, reader: Reader): Promise<GetRankResponse>;
  around(leaderboard: string, userId: string, radius: number, reader: Reader): Promise<ListAroundResponse>;
  /** A player's place with the neighbours, as the REST answer's JSON. */
  placeJson(
    leaderboard: string,
    userId: string,
    reader: Reader,
  ): Promise<{ json: string /** Freshness can't be vouched for. */; stale: boolean }>;
}

const DEADLINE_MS = 1_000;
/** A reading is one call to score, at 0.2 ms of processor time on either side: this is a tenth of a second of work. */
const MAX_IN_FLIGHT = 500;
/** Neighbours on each side in the REST answer. */
const NEIGHBOURS = 5;
const RETRY_AFTER_MS = 1_000;

export function createRead(
  score: Pick<GrpcClient<typeof ScoreService>, 'getTop' | 'getRank' | 'listAround'>,
): Read {
  let inFlight = 0;

  async function call<Answer>(
    { requestId, patienceMs = DEADLINE_MS }: Reader,
    ask: (options: CallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    if (inFlight >= MAX_IN_FLIGHT) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
    inFlight += 1;
    try {
      return await ask({ requestId, deadlineMs: Math.max(1, Math.min(patienceMs, DEADLINE_MS)) });
    } finally {
      inFlight -= 1;
    }
  }

  const rank: Read['rank'] = (leaderboard, userId, minVersion, reader) =>
    call(reader, (options) => score.getRank({ leaderboard, userId, minVersion }, options));
  const around: Read['around'] = (leaderboard, userId, radius, reader) =>
    call(reader, (options) => score.listAround({ leaderboard, userId, radius }, options));
  return {
    top: (leaderboard, limit, reader) =>
      call(reader, (options) => score.getTop({ leaderboard, limit }, options)),
    rank,
    around,
    async placeJson(leaderboard, userId, reader) {
      const [place, neighbours] = await Promise.all([
        rank(leaderboard, userId, 0n, reader),
        around(leaderboard, userId, NEIGHBOURS, reader),
      ]);
      const { entry, version, players } = place;
      if (entry === undefined) throw new Error('score answered a rank without an entry');
      const json = JSON.stringify({
        ...toJsonEntry(entry),
        version: Number(version),
        players: Number(players),
        leaderboard,
        neighbours: neighbours.entries.map(toJsonEntry),
      });
      return { json, stale: place.stale || neighbours.stale };
    },
  };
}

/** At most 2^53-1 each, so nothing is lost. */
function toJsonEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score: Number(score), rank: Number(rank) };
}
