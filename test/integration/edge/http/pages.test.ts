/** Parts of a board through the whole product, in both orders and while Redis is away: pages, standings and friends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, ask, bearer } from '../../../support/clients/edge-client.ts';
import { isSentAgain, sentAgain } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../../support/worlds/whole-world.ts';

const call = { limitMs: 10_000 };
/** Player 0 is the best of either board; players share scores by fours, and the first to reach one ranks higher. */
const PLAYERS = 230;
const idOf = (at: number) => `p${String(at).padStart(3, '0')}`;
const scoreOf = {
  points: (at: number) => 1_000 - Math.floor(at / 4),
  laps: (at: number) => Math.floor(at / 4),
};
type BoardName = keyof typeof scoreOf;

let world: WholeWorld;
let token: string;

beforeAll(async () => {
  world = await startWholeWorld({ each: 1 });
  await world.boardsAs('cli').createBoard({ name: 'laps', operator: 'best', order: 'ascending' }, call);
  await world.boardsAs('cli').createBoard({ name: 'points', operator: 'best' }, call);
  for (const leaderboard of ['points', 'laps'] as const) {
    const submissions = Array.from({ length: PLAYERS }, (_, at) => ({
      ...{ leaderboard, userId: idOf(at), username: `Name ${at}`, actionId: `${leaderboard}-first` },
      points: BigInt(scoreOf[leaderboard](at)),
    }));
    await submitted(submissions);
  }
  ({ accessToken: token } = await sentAgain(() =>
    world.authAs('cli').issueToken({ userId: idOf(137), username: 'Name 137' }, call),
  ));
});
afterAll(() => world?.stop());

/** Until a busy machine has let all of it through. */
const submitted = (submissions: object[]) =>
  waitFor(async () => {
    const { outcomes } = await sentAgain(() => world.scoreAs('game').submitScores({ submissions }, call));
    return outcomes.every(({ result }) => result.case === 'accepted') || undefined;
  });

const entriesUrl = (board: string, query = '') =>
  `${world.edgeUrls[0]}/api/v1/leaderboards/${board}/entries${query}`;
const get = (board: string, query = '', headers: Record<string, string> = {}): Promise<Answer> =>
  waitFor(async () => {
    const answer = await ask(entriesUrl(board, query), { headers });
    return isSentAgain(answer.body?.reason) ? undefined : answer;
  });
const expectedEntry = (board: BoardName, at: number) => ({
  ...{ rank: at + 1, userId: idOf(at), username: `Name ${at}`, score: scoreOf[board](at) },
});
const expectedPage = (board: BoardName, first: number, limit: number) =>
  Array.from({ length: Math.max(0, Math.min(limit, PLAYERS - first)) }, (_, n) =>
    expectedEntry(board, first + n),
  );

/** Every page from the first on. */
async function walk(board: string, limit: number): Promise<Answer['body'][]> {
  const pages: Answer['body'][] = [];
  let cursor = '';
  do {
    const { status, body } = await get(board, `?limit=${limit}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    pages.push(body);
    cursor = body.next;
  } while (cursor !== null);
  return pages;
}

async function expectWholeBoard(board: BoardName): Promise<void> {
  const pages = await walk(board, 100);
  expect(pages.map(({ entries }) => entries)).toEqual(
    [0, 100, 200].map((first) => expectedPage(board, first, 100)),
  );
  expect(pages.map(({ players }) => players)).toEqual([PLAYERS, PLAYERS, PLAYERS]);
}

describe.each(['points', 'laps'] as const)('the board %s', (board) => {
  it('has ten entries a page by default, and is whole when its pages are put together', async () => {
    const { body } = await get(board);
    expect(Object.keys(body)).toEqual(['entries', 'players', 'next']);
    expect(body.entries).toEqual(expectedPage(board, 0, 10));
    await expectWholeBoard(board);
    const small = await walk(board, 23);
    expect(small).toHaveLength(10);
    expect(small.flatMap(({ entries }) => entries)).toEqual(expectedPage(board, 0, PLAYERS));
  });

  it('begins at a rank, and ends behind its last player', async () => {
    expect((await get(board, '?from=221&limit=20')).body).toEqual({
      ...{ entries: expectedPage(board, 220, 20), players: PLAYERS, next: null },
    });
    const beyond = (await get(board, `?from=${PLAYERS + 1}`)).body;
    expect(beyond).toEqual({ entries: [], players: PLAYERS, next: null });
  });

  it('has the page in which the caller stands, for no cache, and goes on from there', async () => {
    const { headers, body } = await get(board, '?around=me&limit=20', bearer(token));
    expect(body.entries).toEqual(expectedPage(board, 120, 20));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('vary')).toBe('Authorization');
    expect(headers.get('etag')).toBeNull();
    const next = await get(board, `?limit=20&cursor=${body.next}`);
    expect(next.body.entries).toEqual(expectedPage(board, 140, 20));
  });
});

/** Friends of the caller, in no order: some on the board, one of whom is listed twice, and some who are not. */
const FRIENDS = [idOf(137), idOf(2), 'nobody', idOf(229), idOf(2), 'a~!'];
const post = (
  board: string,
  body: unknown,
  headers: Record<string, string> = bearer(token),
): Promise<Answer> =>
  waitFor(async () => {
    const answer = await ask(`${world.edgeUrls[0]}/api/v1/leaderboards/${board}/friends`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      body: JSON.stringify(body),
    });
    return isSentAgain(answer.body?.reason) ? undefined : answer;
  });
const own = (board: string, headers: Record<string, string> = bearer(token)): Promise<Answer> =>
  waitFor(async () => {
    const answer = await ask(`${world.edgeUrls[0]}/api/v1/leaderboards/${board}/me`, { headers });
    return isSentAgain(answer.body?.reason) ? undefined : answer;
  });
const expectedFriends = (board: BoardName) => ({
  entries: [2, 137, 229].map((at, n) => ({ friendRank: n + 1, ...expectedEntry(board, at) })),
  players: PLAYERS,
});

describe.each(['points', 'laps'] as const)('on the board %s', (board) => {
  it('a player has a standing, with the part of all players that reached it', async () => {
    const { status, body, headers } = await own(board);
    expect(status).toBe(200);
    // 138 of 230 players are 60 %, exactly.
    expect(body).toEqual({ ...expectedEntry(board, 137), version: 1, players: PLAYERS, percentile: 60 });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('vary')).toBe('Authorization');
  });

  it('friends are ranked among themselves and on the board, and those without a score are left out', async () => {
    const { status, body, headers } = await post(board, { userIds: FRIENDS });
    expect(status).toBe(200);
    expect(body).toEqual(expectedFriends(board));
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await post(board, { userIds: [] })).body).toEqual({ entries: [], players: PLAYERS });
    expect((await post(board, { userIds: ['nobody'] })).body).toEqual({ entries: [], players: PLAYERS });
    const all = await post(board, { userIds: Array.from({ length: 200 }, (_, at) => idOf(229 - at)) });
    expect(all.body.entries.map(({ rank }: { rank: number }) => rank)).toEqual(
      Array.from({ length: 200 }, (_, at) => 31 + at),
    );
  });
});

it('refuses a standing and friends to whom they are not for, and says what is wrong', async () => {
  expect((await own('points', {})).body.reason).toBe('TOKEN_REQUIRED');
  expect((await own('global')).body.reason).toBe('PLAYER_NOT_FOUND');
  expect((await own('made-up')).body.reason).toBe('PLAYER_NOT_FOUND');
  expect((await post('made-up', { userIds: FRIENDS })).body).toEqual({ entries: [], players: 0 });
  for (const [body, status, reason] of [
    [{}, 400, 'BODY_INVALID'],
    [{ userIds: 'ada' }, 400, 'BODY_INVALID'],
    [[], 400, 'BODY_INVALID'],
    [{ userIds: [1] }, 400, 'USER_ID_INVALID'],
    [{ userIds: ['a b'] }, 400, 'USER_ID_INVALID'],
    [{ userIds: Array(201).fill('ada') }, 400, 'BATCH_SIZE_INVALID'],
    [{ userIds: Array(300).fill('u'.repeat(128)) }, 413, 'BODY_TOO_LARGE'],
  ] as const) {
    const answer = await post('points', body);
    expect([answer.status, answer.body.reason]).toEqual([status, reason]);
  }
  expect((await post('points', { userIds: ['ada'] }, {})).body.reason).toBe('TOKEN_REQUIRED');
  expect((await post('p.q', { userIds: ['ada'] })).body.reason).toBe('LEADERBOARD_INVALID');
  // As long as a user id may be, and as many as there may be.
  const long = Array.from({ length: 200 }, (_, at) => `${'u'.repeat(125)}${idOf(at).slice(1)}`);
  expect((await post('points', { userIds: long })).body).toEqual({ entries: [], players: PLAYERS });
  expect(await connect('ListFriends', { leaderboard: 'points', userIds: long }, bearer(token))).toMatchObject(
    {
      players: String(PLAYERS),
    },
  );
});

const connect = async (method: string, message: object, headers: Record<string, string> = {}) =>
  (
    await ask(`${world.edgeUrls[0]}/scoreboard.edge.v1.ScoreboardService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(message),
    })
  ).body;

it('answers Connect with the same standing and friends', async () => {
  const me = await connect('GetMe', { leaderboard: 'laps' }, bearer(token));
  expect(me).toMatchObject({ entry: { userId: idOf(137), rank: '138' }, players: '230', percentile: 60 });
  const friends = await connect('ListFriends', { leaderboard: 'laps', userIds: FRIENDS }, bearer(token));
  expect(friends).toMatchObject({
    friends: [
      { entry: { userId: idOf(2), rank: '3' }, friendRank: 1 },
      { entry: { userId: idOf(137), rank: '138' }, friendRank: 2 },
      { entry: { userId: idOf(229), rank: '230' }, friendRank: 3 },
    ],
    players: '230',
  });
  for (const method of ['GetMe', 'ListFriends']) {
    expect(await connect(method, { leaderboard: 'laps' })).toMatchObject({ reason: 'TOKEN_REQUIRED' });
  }
});

it('answers Connect with the same pages', async () => {
  const first = await connect('ListEntries', { leaderboard: 'laps', limit: 3 });
  expect(first.entries.map(({ userId }: { userId: string }) => userId)).toEqual([0, 1, 2].map(idOf));
  expect(first.players).toBe(String(PLAYERS));
  const second = await connect('ListEntries', { leaderboard: 'laps', limit: 2, cursor: first.next });
  expect(second.entries).toMatchObject([{ userId: idOf(3) }, { userId: idOf(4) }]);
  const own = await connect('ListEntries', { leaderboard: 'laps', limit: 5, aroundMe: true }, bearer(token));
  expect(own.entries[0]).toMatchObject({ userId: idOf(135), rank: '136' });
  expect(
    (await connect('ListEntries', { leaderboard: 'laps', fromRank: '7', limit: 1 })).entries,
  ).toMatchObject([{ rank: '7' }]);
  expect(await connect('ListEntries', { leaderboard: 'laps', aroundMe: true })).toMatchObject({
    reason: 'TOKEN_REQUIRED',
  });
});

it('is empty without players, also on a board that does not exist', async () => {
  expect((await get('global')).body).toEqual({ entries: [], players: 0, next: null });
  expect((await get('made-up', '?from=9')).body).toEqual({ entries: [], players: 0, next: null });
});

it('refuses what it does not understand, and says what', async () => {
  const { next } = (await get('points')).body;
  for (const [board, query, reason] of [
    ['points', '?limit=0', 'LIMIT_INVALID'],
    ['points', '?limit=101', 'LIMIT_INVALID'],
    ['points', '?limit=ten', 'LIMIT_INVALID'],
    ['points', '?limit=-1', 'LIMIT_INVALID'],
    ['points', '?cursor=', 'CURSOR_INVALID'],
    ['points', '?cursor=%00', 'CURSOR_INVALID'],
    ['points', `?cursor=${next}A`, 'CURSOR_INVALID'],
    ['points', `?cursor=${next.slice(0, -2)}`, 'CURSOR_INVALID'],
    ['points', `?cursor=${'A'.repeat(8_000)}`, 'CURSOR_INVALID'],
    ['laps', `?cursor=${next}`, 'CURSOR_INVALID'],
    ['points', `?cursor=${next}&from=3`, 'QUERY_INVALID'],
    ['points', '?from=0', 'QUERY_INVALID'],
    ['points', '?from=9007199254740992', 'QUERY_INVALID'],
    ['points', '?around=you', 'QUERY_INVALID'],
    ['points', '?season=2026-W48', 'QUERY_INVALID'],
    ['p%20q', '', 'LEADERBOARD_INVALID'],
    ['x'.repeat(65), '', 'LEADERBOARD_INVALID'],
  ] as const) {
    const answer = await get(board, query);
    expect([answer.status, answer.body.reason], query).toEqual([400, reason]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }
  expect((await get('points', '?around=me')).body.reason).toBe('TOKEN_REQUIRED');
  expect((await get('global', '?around=me', bearer(token))).body.reason).toBe('PLAYER_NOT_FOUND');
  for (const path of ['a/b/entries', '/entries', 'points/entries/', 'points/nothing']) {
    const { status, body } = await ask(`${world.edgeUrls[0]}/api/v1/leaderboards/${path}`);
    expect([status, body.reason], path).toEqual([404, 'ROUTE_NOT_FOUND']);
  }
});

it('may be kept for a second by caches that clients share, and is not sent again to who has it', async () => {
  const first = await get('points', '?limit=5');
  expect(first.headers.get('cache-control')).toBe('public, max-age=1');
  // Also without an origin: a page needs other headers, and must not get this answer from a cache.
  expect(first.headers.get('vary')).toBe('Origin');
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[\w-]{22}"$/);
  // One in 64 of these answers has its body.
  const again = await waitFor(async () => {
    const answer = await get('points', '?limit=5', { 'if-none-match': `"x", W/${etag}` });
    return answer.status === 304 ? answer : undefined;
  });
  expect(again.text).toBe('');
  expect(again.headers.get('etag')).toBe(etag);
  expect(again.headers.get('cache-control')).toBe('public, max-age=1');
  const other = await get('points', '?limit=6', { 'if-none-match': etag });
  expect(other.status).toBe(200);
  expect(other.headers.get('etag')).not.toBe(etag);
});

// The last one: Redis does not come back.
it('is the same from Postgres while Redis is away, and a cursor goes on there', async () => {
  const half = (await get('laps', '?limit=50')).body;
  await world.killRedis();
  const rest = await get('laps', `?limit=50&cursor=${half.next}`);
  expect(rest.body.entries).toEqual(expectedPage('laps', 50, 50));
  for (const board of ['points', 'laps'] as const) {
    await expectWholeBoard(board);
    expect((await get(board, '?around=me&limit=20', bearer(token))).body.entries).toEqual(
      expectedPage(board, 120, 20),
    );
    expect((await own(board)).body).toMatchObject({ ...expectedEntry(board, 137), percentile: 60 });
    expect((await post(board, { userIds: FRIENDS })).body).toEqual(expectedFriends(board));
    expect((await post(board, { userIds: ['nobody'] })).body).toEqual({ entries: [], players: PLAYERS });
    expect((await get(board, '?from=221&limit=20')).body.entries).toEqual(expectedPage(board, 220, 20));
  }
  expect((await get('made-up')).body).toEqual({ entries: [], players: 0, next: null });
  expect((await get('global', '?around=me', bearer(token))).body.reason).toBe('PLAYER_NOT_FOUND');
  expect((await get('points', '?from=10000')).body.reason).toBe('INDEX_UNAVAILABLE');
});
