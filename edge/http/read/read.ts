/**
 * The reading use cases of the edge, shared by REST and Connect. Short tops come from the cache that REST reads as well;
 * players' places join a batch to the rank service.
 */
import type {
  Entry,
  GetPlacesResponse_Outcome,
  GetTopResponse,
  Place,
  RankService,
} from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { fromRefused } from '../../../services/shared/errors/refused.ts';
import { createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import { withDeadline } from '../../../services/shared/flow/with-deadline.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import { type Asking, playerHolder } from './asking.ts';
import { CACHED_TOP_SIZE, type TopCache } from './top-cache.ts';

/** Whose place is asked for, and for whom. */
export interface PlaceQuestion {
  readonly leaderboard: string;
  readonly userId: string;
  /** Neighbours on each side; 0 is none. */
  readonly radius: number;
  /** Refuse rather than answer from a state older than this; 0 is any. */
  readonly minVersion: bigint;
}

/** Each refuses with OVERLOADED also when one player or address has too much of the room. */
export interface Read {
  /** The request's id goes with a call that is made for this request alone. */
  top(leaderboard: string, limit: number, requestId: string, asking?: Asking): Promise<Top>;
  place(question: PlaceQuestion, asking?: Asking): Promise<Place>;
  /** A player's place with the neighbours, as the REST answer's JSON. */
  placeJson(
    leaderboard: string,
    userId: string,
    asking?: Asking,
  ): Promise<{ json: string /** Freshness can't be vouched for. */; stale: boolean }>;
  close(): Promise<void>;
}

export type Top = Pick<GetTopResponse, 'entries' | 'position' | 'stale'>;

/** Neighbours on each side when nobody says how many. */
export const NEIGHBOURS = 5;
/** The client waits 2 s and the edge 1.4 s. */
const DEADLINE_MS = 1_400;
/** Counting a place in Postgres, while Redis is away, may take a second. */
const RANK_DEADLINE_MS = 1_200;
/** A long top is one call to rank, at 0.2 ms of processor time on either side: this is a tenth of a second of work. */
const MAX_LONG_TOPS = 500;
/** Places of one call; each is a script of Redis. */
const MAX_BATCH = 100;
/** With fewer waiting, a further call would cost more than the wait for the one before, */
const WORTH_A_CALL = 16;
/** and so many calls have room for all who ask while each takes a second. */
const MAX_IN_FLIGHT = 16;
/** About a tenth of a second of work. */
const MAX_QUEUE = 2_000;
/** All that may be under way: what waits and what was sent. */
const MAX_UNDER_WAY = MAX_QUEUE + MAX_IN_FLIGHT * MAX_BATCH;
const RETRY_AFTER_MS = 1_000;

interface Asked extends PlaceQuestion {
  /** On the monotonic clock; later, nobody would be there to hear the answer. */
  readonly expiresAt: number;
}

export interface ReadOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'getTop' | 'getPlaces'>;
  topCache: Pick<TopCache, 'get'>;
}

export function createRead({ rank, topCache }: ReadOptions): Read {
  const longTops = createShares(MAX_LONG_TOPS);
  const placesUnderWay = createShares(MAX_UNDER_WAY);

  const places = createCoalescer<Asked, Place>({
    maxBatch: MAX_BATCH,
    worthACall: WORTH_A_CALL,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    lapsed: ({ expiresAt }) =>
      performance.now() > expiresAt ? new AppError('DEADLINE_EXCEEDED') : undefined,
    async send(queries) {
      const { outcomes } = await rank.getPlaces({ queries }, { deadlineMs: RANK_DEADLINE_MS });
      return outcomes.map(toPlace);
    },
  });

  async function longTop(
    leaderboard: string,
    limit: number,
    requestId: string,
    { holders = [], patienceMs = DEADLINE_MS }: Asking,
  ): Promise<Top> {
    const giveBack = longTops.take(holders);
    if (giveBack === undefined) throw overloaded();
    try {
      const deadlineMs = Math.max(1, Math.min(patienceMs, RANK_DEADLINE_MS));
      return await rank.getTop({ leaderboard, limit }, { requestId, deadlineMs });
    } finally {
      giveBack();
    }
  }

  async function place(
    question: PlaceQuestion,
    { holders = [], patienceMs = DEADLINE_MS }: Asking = {},
  ): Promise<Place> {
    const giveBack = placesUnderWay.take([playerHolder(question.userId), ...holders]);
    if (giveBack === undefined) throw overloaded();
    const limitMs = Math.min(patienceMs, DEADLINE_MS);
    const answering = places.submit({ ...question, expiresAt: performance.now() + limitMs });
    return withDeadline(answering.finally(giveBack), limitMs);
  }

  return {
    async top(leaderboard, limit, requestId, asking = {}) {
      if (limit > CACHED_TOP_SIZE) return longTop(leaderboard, limit, requestId, asking);
      const { holders, patienceMs = DEADLINE_MS } = asking;
      const answering = topCache.get(leaderboard, holders);
      const { entries, position, stale } = await withDeadline(answering, patienceMs);
      return { entries: limit === 0 ? entries : entries.slice(0, limit), position, stale };
    },
    place,
    async placeJson(leaderboard, userId, asking) {
      const question = { leaderboard, userId, radius: NEIGHBOURS, minVersion: 0n };
      const { entry, version, players, entries, stale } = await place(question, asking);
      if (entry === undefined) throw new Error('rank answered a place without an entry');
      const json = JSON.stringify({
        ...toJsonEntry(entry),
        version: Number(version),
        players: Number(players),
        leaderboard,
        neighbours: entries.map(toJsonEntry),
      });
      return { json, stale };
    },
    close: () => places.close(),
  };
}

function overloaded(): AppError {
  return new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
}

function toPlace({ result }: GetPlacesResponse_Outcome): Place | AppError {
  if (result.case === 'place') return result.value;
  return result.case === 'refused' ? fromRefused(result.value, 'RANK_UNAVAILABLE') : new AppError('INTERNAL');
}

/** At most 2^53-1 each, so nothing is lost. */
function toJsonEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score: Number(score), rank: Number(rank) };
}
