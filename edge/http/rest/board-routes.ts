/** The REST routes of one board, which its path names. Each handler reads: who, what, do, answer. */
import type { Entry, ListEntriesResponse } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { HeaderList } from '../../../services/shared/http/error-answer.ts';
import { parseJsonObject } from '../../../services/shared/http/json-body.ts';
import { parseLeaderboard } from '../../../services/shared/values/identifiers.ts';
import type { Admission } from '../limits/admission.ts';
import { percentileOf } from '../read/percentile.ts';
import type { Read } from '../read/read.ts';
import { FRIENDS_BODY_LIMIT_BYTES, parseFriends, type ReadFriends } from '../read/read-friends.ts';
import type { PageQuery, ReadPages } from '../read/read-pages.ts';
import { etagOf, matchesEtag } from '../server/etag.ts';
import { CACHE_CONTROL, type Exchange, mayLackBody } from '../server/exchange.ts';
import { type Route, route } from '../server/http-server.ts';
import { type EntriesQuery, parseEntriesQuery } from './entries-query.ts';
import { OF_CALLER, STALE } from './headers.ts';
import { readJson } from './read-json.ts';

export interface BoardRoutesOptions {
  admission: Admission;
  pages: ReadPages;
  friends: ReadFriends;
  read: Pick<Read, 'place'>;
}

/** Caches that many clients share may keep a page for a second: a board that many watch is read once a second by each cache. */
const SHARED = [CACHE_CONTROL, 'public, max-age=1'] as const;
/** Also of an answer to a request without an origin: a cache must not give it to a page, which needs other headers. */
const VARY_ORIGIN = ['Vary', 'Origin'] as const;

export function createBoardRoutes({ admission, pages, friends, read }: BoardRoutesOptions): Route[] {
  async function entries(exchange: Exchange): Promise<void> {
    const query = parseEntriesQuery(exchange.query);
    const isOwn = query.start.at === 'me';
    const me = isOwn ? await admission.reader(exchange) : await admission.anonymous(exchange);
    const leaderboard = parseLeaderboard(exchange.part);
    const asked = { leaderboard, limit: query.limit, start: toStart(query.start, me?.userId ?? '') };
    const page = await pages.page(asked, exchange.requestId, { holders: admission.holders(exchange) });
    const json = pageJson(page);
    if (isOwn) answerCaller(exchange, json, page.stale);
    else if (page.stale) exchange.json(200, json, STALE);
    else answerShared(exchange, json);
  }

  async function me(exchange: Exchange): Promise<void> {
    const { userId } = await admission.reader(exchange);
    const query = { leaderboard: parseLeaderboard(exchange.part), userId, radius: 0 };
    const { entry, version, players, stale } = await read.place(query, {
      holders: admission.holders(exchange),
    });
    if (entry === undefined) throw new Error('rank answered a place without an entry');
    const counts = { version: Number(version), players: Number(players) };
    const percentile = percentileOf(entry.rank, players);
    answerCaller(exchange, JSON.stringify({ ...toJsonEntry(entry), ...counts, percentile }), stale);
  }

  async function listFriends(exchange: Exchange): Promise<void> {
    const body = await exchange.readBody(FRIENDS_BODY_LIMIT_BYTES);
    const { userId } = await admission.reader(exchange);
    const { userIds } = parseJsonObject(await readJson(exchange, body, FRIENDS_BODY_LIMIT_BYTES));
    const query = {
      leaderboard: parseLeaderboard(exchange.part),
      caller: userId,
      userIds: parseFriends(userIds),
    };
    const found = await friends(query, exchange.requestId, { holders: admission.holders(exchange) });
    const entries = found.friends.map(({ entry, friendRank }) => ({ friendRank, ...toJsonEntry(entry) }));
    answerCaller(exchange, JSON.stringify({ entries, players: Number(found.players) }), found.stale);
  }

  return [
    route('GET', '/api/v1/leaderboards/{board}/entries', entries),
    route('GET', '/api/v1/leaderboards/{board}/me', me),
    route('POST', '/api/v1/leaderboards/{board}/friends', listFriends),
  ];
}

function answerCaller(exchange: Exchange, json: string, stale: boolean): void {
  exchange.json(200, json, stale ? [...OF_CALLER, ...STALE] : OF_CALLER);
}

/** Answers what is the same for everybody. */
function answerShared(exchange: Exchange, json: string): void {
  const etag = etagOf(json);
  const headers: HeaderList = [SHARED, ['ETag', etag], ...(exchange.origin === '' ? [VARY_ORIGIN] : [])];
  if (matchesEtag(exchange.header('if-none-match'), etag) && mayLackBody())
    exchange.send(304, '', '', headers);
  else exchange.json(200, json, headers);
}

function toStart(start: EntriesQuery['start'], userId: string): PageQuery['start'] {
  if (start.at === 'cursor') return { case: 'cursor', value: start.cursor };
  if (start.at === 'me') return { case: 'aroundUserId', value: userId };
  return start.at === 'rank' ? { case: 'fromRank', value: start.rank } : { case: undefined };
}

/** Scores and ranks are at most 2^53-1, so a JSON number holds them exactly. */
function toJsonEntry({ rank, userId, username, score }: Entry) {
  return { rank: Number(rank), userId, username, score: Number(score) };
}

function pageJson({ entries, players, next }: ListEntriesResponse): string {
  return JSON.stringify({
    entries: entries.map(toJsonEntry),
    players: Number(players),
    next: next === '' ? null : next,
  });
}
