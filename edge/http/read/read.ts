/**
 * The reading use cases, shared by REST and Connect. Short tops come from the cache; longer ones are one call to rank each.
 * Players' places travel to rank in batches.
 */
import type {
  Entry,
  GetPlacesResponse_Outcome,
  Place,
  RankService,
} from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { fromRefused } from '../../../services/shared/errors/refused.ts';
import { createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import { Deadline } from '../../../services/shared/flow/deadline.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import { positionFromWire } from '../../../services/shared/values/position.ts';
import { type Caller, playerHolder } from '../limits/caller.ts';
import { CACHED_TOP_SIZE, type CachedTop } from './cached-board.ts';
import type { TopCache } from './top-cache.ts';

/** Whose place to read, and how much around it. */
export interface PlaceQuery {
  readonly leaderboard: string;
  readonly userId: string;
  /** Neighbours on each side. */
  readonly radius: number;
  /** Refuse to answer from a state older than this version of the player. */
  readonly minVersion?: bigint | undefined;
}

export type Top = Omit<CachedTop, 'bytes'>;

/** Neighbours on each side by default. */
export const NEIGHBOURS = 5;
/** The client waits 2 s, the edge 1.4 s. */
const LIMIT_MS = 1_400;
/** Counting a place in Postgres, while Redis is away, may take a second. */
const RANK_LIMIT_MS = 1_200;
/** A long top costs 0.2 ms of processor time here and at rank: 0.1 s of work. */
const MAX_LONG_TOPS = 500;
/** Places per call; each runs a script in Redis. */
const MAX_BATCH = 100;
/** With fewer places waiting, a further call costs more than waiting for the one under way. */
const WORTH_A_CALL = 16;
/** Enough calls for all readers even while each call takes a second. */
const MAX_IN_FLIGHT = 16;
/** About 0.1 s of work. */
const MAX_QUEUE = 2_000;
/** Places that wait and places that were sent. */
const MAX_UNDER_WAY = MAX_QUEUE + MAX_IN_FLIGHT * MAX_BATCH;
const RETRY_AFTER_MS = 1_000;

interface QueuedQuery extends PlaceQuery {
  /** When the client stops waiting. */
  readonly deadline: Deadline;
}

export interface ReadOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'getTop' | 'getPlaces'>;
  topCache: Pick<TopCache, 'get'>;
}

export type Read = ReturnType<typeof createRead>;

/** Each use case refuses with OVERLOADED also if one player or address holds too large a share of the places. */
export function createRead({ rank, topCache }: ReadOptions) {
  const longTops = createShares(MAX_LONG_TOPS);
  const placesUnderWay = createShares(MAX_UNDER_WAY);

  const places = createCoalescer<QueuedQuery, Place>({
    maxBatch: MAX_BATCH,
    worthACall: WORTH_A_CALL,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue: MAX_QUEUE,
    lapsed: ({ deadline }) => (deadline.hasPassed() ? new AppError('DEADLINE_EXCEEDED') : undefined),
    async send(queries) {
      const { outcomes } = await rank.getPlaces({ queries: queries.map(toWire) }, { limitMs: RANK_LIMIT_MS });
      return outcomes.map(toPlace);
    },
  });

  async function longTop(
    leaderboard: string,
    limit: number,
    requestId: string,
    { holders = [], deadline = Deadline.never }: Caller,
  ): Promise<Top> {
    const giveBack = longTops.take(holders);
    if (giveBack === undefined) throw overloaded();
    try {
      const limitMs = Math.max(1, deadline.within(RANK_LIMIT_MS).remainingMs());
      const answer = await rank.getTop({ leaderboard, limit }, { requestId, limitMs });
      const { entries, stale } = answer;
      return { entries, position: positionFromWire(answer.position), stale };
    } finally {
      giveBack();
    }
  }

  async function place(
    query: PlaceQuery,
    { holders = [], deadline: clients = Deadline.never }: Caller = {},
  ): Promise<Place> {
    const giveBack = placesUnderWay.take([playerHolder(query.userId), ...holders]);
    if (giveBack === undefined) throw overloaded();
    const deadline = clients.within(LIMIT_MS);
    return deadline.race(places.submit({ ...query, deadline }).finally(giveBack));
  }

  return {
    /** The best players of a board; 0 is as many as are cached. A long top has a call of its own with this request id. */
    async top(leaderboard: string, limit: number, requestId: string, caller: Caller = {}): Promise<Top> {
      if (limit > CACHED_TOP_SIZE) return longTop(leaderboard, limit, requestId, caller);
      const { holders, deadline = Deadline.after(LIMIT_MS) } = caller;
      const { entries, position, stale } = await deadline.race(topCache.get(leaderboard, holders));
      return { entries: limit === 0 ? entries : entries.slice(0, limit), position, stale };
    },
    place,
    /** A player's place and neighbours as the JSON of the REST answer; `stale` if freshness can't be confirmed. */
    async placeJson(
      leaderboard: string,
      userId: string,
      caller?: Caller,
    ): Promise<{ json: string; stale: boolean }> {
      const query = { leaderboard, userId, radius: NEIGHBOURS };
      const { entry, version, players, entries, stale } = await place(query, caller);
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
    close: (): Promise<void> => places.close(),
  };
}

function overloaded(): AppError {
  return new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
}

/** On the wire, version 0 accepts any state. */
function toWire({ leaderboard, userId, radius, minVersion = 0n }: PlaceQuery) {
  return { leaderboard, userId, radius, minVersion };
}

function toPlace({ result }: GetPlacesResponse_Outcome): Place | AppError {
  if (result.case === 'place') return result.value;
  return result.case === 'refused' ? fromRefused(result.value, 'RANK_UNAVAILABLE') : new AppError('INTERNAL');
}

/** Scores and ranks are at most 2^53-1, so a JSON number holds them exactly. */
function toJsonEntry({ userId, username, score, rank }: Entry) {
  return { userId, username, score: Number(score), rank: Number(rank) };
}
