import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Player, PlayerSession } from '../../../../../edge/web/page/player-session.ts';
import { eventually } from '../../../../support/eventually.ts';

interface Request {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

let server: Server;
let gameUrl: string;
let requests: Request[];
/** What the next requests are answered with; a token that works for ten minutes when nothing is queued. */
let answers: { status: number; body: object }[];
let stored: Map<string, string>;
let changes: (Player | undefined)[];
let sessions: PlayerSession[];

const grant = (accessToken: string, lifetimeMs = 600_000) => ({
  userId: 'u1',
  username: 'Ada',
  accessToken,
  expiresAt: new Date(Date.now() + lifetimeMs).toISOString(),
});

beforeEach(async () => {
  requests = [];
  answers = [];
  stored = new Map();
  changes = [];
  sessions = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
      const answer = answers.shift() ?? { status: 200, body: grant(`t${requests.length}`) };
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  gameUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  for (const session of sessions) session.signOut();
  server.closeAllConnections();
  server.close();
});

function open(): PlayerSession {
  const session = new PlayerSession({
    gameUrl,
    store: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => stored.set(key, value),
      removeItem: (key) => stored.delete(key),
    },
    onChange: (player) => changes.push(player),
  });
  sessions.push(session);
  return session;
}

describe('a player session', () => {
  it('signs in under a name and gives the token', async () => {
    const session = open();
    expect(await session.token()).toBeUndefined();
    await session.signIn('Ada');
    expect(requests).toEqual([{ path: '/v1/players', authorization: undefined, body: '{"username":"Ada"}' }]);
    expect(session.player).toMatchObject({ userId: 'u1', username: 'Ada' });
    expect(await session.token()).toBe('t1');
  });

  it('passes the refusal of a name on and stays signed out', async () => {
    answers = [{ status: 400, body: { code: 'x', reason: 'USERNAME_INVALID', message: 'Not a name.' } }];
    const session = open();
    await expect(session.signIn('')).rejects.toMatchObject({
      reason: 'USERNAME_INVALID',
      message: 'Not a name.',
    });
    expect(changes).toEqual([]);
  });

  it('refuses an answer of an unknown form', async () => {
    answers = [{ status: 201, body: { userId: 'u1' } }];
    await expect(open().signIn('Ada')).rejects.toMatchObject({ reason: 'UNKNOWN' });
  });

  it('is taken up after a reload and forgotten after leaving', async () => {
    await open().signIn('Ada');
    const reloaded = open();
    reloaded.restore();
    expect(reloaded.player).toMatchObject({ userId: 'u1', accessToken: 't1' });
    reloaded.signOut();
    expect(stored.size).toBe(0);
    const later = open();
    later.restore();
    expect(later.player).toBeUndefined();
  });

  it('survives a store that holds nonsense', () => {
    stored.set('scoreboard.player', '{');
    const session = open();
    session.restore();
    expect(session.player).toBeUndefined();
    expect(stored.size).toBe(0);
  });

  it('renews a refused token once, however many ask for it', async () => {
    const session = open();
    await session.signIn('Ada');
    const refused = await session.token();
    const renewed = await Promise.all([session.token({ refused }), session.token({ refused })]);
    expect(renewed).toEqual(['t2', 't2']);
    expect(requests.map(({ path, authorization }) => [path, authorization])).toEqual([
      ['/v1/players', undefined],
      ['/v1/players/refresh', 'Bearer t1'],
    ]);
  });

  it('renews by itself before the token runs out', async () => {
    answers = [{ status: 201, body: grant('short', 1_200) }];
    const session = open();
    await session.signIn('Ada');
    await eventually(() => expect(session.player?.accessToken).toBe('t2'));
    expect(changes).toHaveLength(2);
  });

  it('is over when the server refuses to renew, and only then', async () => {
    const session = open();
    await session.signIn('Ada');
    answers = [
      { status: 503, body: { reason: 'AUTH_UNAVAILABLE', message: 'later' } },
      { status: 401, body: { reason: 'TOKEN_INVALID', message: 'no' } },
    ];
    expect(await session.token({ refused: 't1' })).toBe('t1');
    expect(await session.token({ refused: 't1' })).toBeUndefined();
    expect(changes.at(-1)).toBeUndefined();
  });

  it('does not believe its own clock against the server', async () => {
    answers = [{ status: 201, body: grant('works', -3_600_000) }];
    const session = open();
    await session.signIn('Ada');
    expect(await session.token()).toBe('works');
    expect(requests).toHaveLength(1);
  });
});
