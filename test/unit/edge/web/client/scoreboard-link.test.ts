import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Board, Standing } from '../../../../../edge/web/client/frames.ts';
import type { LinkOptions } from '../../../../../edge/web/client/link-options.ts';
import { BACKOFF_MIN_MS } from '../../../../../edge/web/client/reconnect.ts';
import {
  OFFLINE_RETRY_MS,
  OPEN_LIMIT_MS,
  PING_AFTER_MS,
  PONG_LIMIT_MS,
  ScoreboardLink,
  SETTLED_AFTER_MS,
} from '../../../../../edge/web/client/scoreboard-link.ts';
import { boardFrame } from './board-frame.ts';
import { createFakeWorld, type FakeWorld } from './fake-socket.ts';

let world: FakeWorld;
let link: ScoreboardLink;
let boards: Board[];
let standings: Standing[];
let states: string[];

beforeEach(() => {
  vi.useFakeTimers();
  world = createFakeWorld();
  boards = [];
  standings = [];
  states = [];
});

afterEach(() => {
  link.close();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A link whose first socket is being opened. */
async function start(options: Partial<LinkOptions> = {}): Promise<void> {
  link = new ScoreboardLink(
    {
      url: 'ws://127.0.0.1:1/live',
      onBoard: (board) => boards.push(board),
      onPlayer: (standing) => standings.push(standing),
      onState: ({ status }) => states.push(status),
      ...options,
    },
    world.ports,
  );
  await pass(0);
}

function serve(fields: Record<string, unknown> = {}): void {
  const { server } = world.socket();
  server.opened();
  server.received(boardFrame(fields));
}

describe('following a board', () => {
  it('offers only the protocol when nobody is signed in, and becomes live with the first board', async () => {
    await start();
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
    expect(world.socket().url.search).toBe('');
    world.socket().server.opened();
    expect(link.state.status).toBe('connecting');
    world.socket().server.received(boardFrame());
    expect(states).toEqual(['live']);
  });

  it('takes newer boards and leaves older ones, whatever order they come in', async () => {
    await start();
    serve({ epoch: 1, seq: 5 });
    for (const [epoch, seq] of [
      [1, 4],
      [1, 9],
      [1, 6],
      [2, 1],
      [1, 50],
    ]) {
      world.socket().server.received(boardFrame({ epoch, seq }));
    }
    expect(boards.map(({ epoch, seq }) => [epoch, seq])).toEqual([
      [1, 5],
      [1, 9],
      [2, 1],
    ]);
  });

  it('says when the node stops vouching for the board, and when it does again', async () => {
    await start();
    serve();
    world.socket().server.received('{"event":"score:stale","leaderboardId":"global","stale":true}');
    expect(link.state.status).toBe('stale');
    world.socket().server.received('{"event":"score:stale","leaderboardId":"global","stale":false}');
    expect(states).toEqual(['live', 'stale', 'live']);
    expect(boards.map((board) => board.stale)).toEqual([false, true, false]);
  });

  it('tells the own standing from personal frames only', async () => {
    await start();
    serve();
    world.socket().server.received(boardFrame({ event: 'score:update', userId: 'x', newScore: 1, seq: 2 }));
    world.socket().server.received(boardFrame({ userId: 'me', newScore: 7, rank: 31, version: 2, seq: 2 }));
    world.socket().server.received(boardFrame({ userId: 'me', newScore: 3, rank: 40, version: 1, seq: 2 }));
    expect(standings).toEqual([{ userId: 'me', score: 7, rank: 31, version: 2, epoch: 1 }]);
  });

  it('asks for another board in band and does not mix the two', async () => {
    await start({ leaderboard: 'weekly' });
    serve({ leaderboardId: 'global' });
    expect(world.socket().sent).toEqual([
      { type: 'subscribe', leaderboard: 'weekly' },
      { type: 'unsubscribe', leaderboard: 'global' },
    ]);
    expect(boards).toEqual([]);
    world.socket().server.received(boardFrame({ leaderboardId: 'weekly', seq: 3 }));
    world.socket().server.received('{"event":"score:stale","leaderboardId":"global","stale":true}');
    expect(states).toEqual(['live']);
  });

  it('comes back later when its board is refused or given up, and keeps showing it meanwhile', async () => {
    const errors: string[] = [];
    await start({ leaderboard: 'weekly', onError: ({ reason }) => errors.push(reason) });
    serve({ leaderboardId: 'weekly', seq: 4 });
    const refusal = { event: 'error', code: 'x', reason: 'SUBSCRIPTION_LIMIT_REACHED', message: 'm' };
    world.socket().server.received(JSON.stringify({ ...refusal, leaderboardId: 'monthly' }));
    expect(link.state.status).toBe('live');
    world.socket().server.received(JSON.stringify({ ...refusal, leaderboardId: 'weekly' }));
    expect(errors).toEqual([refusal.reason, refusal.reason]);
    expect([link.state.status, link.board?.seq]).toEqual(['reconnecting', 4]);
    await pass(BACKOFF_MIN_MS * 2);
    world.socket().server.opened();
    expect(world.socket().sent).toContainEqual({
      type: 'subscribe',
      leaderboard: 'weekly',
      epoch: 1,
      seq: 4,
    });
  });

  it('ends when its board has a name that no board can have', async () => {
    const errors: string[] = [];
    await start({ leaderboard: 'not a board', onError: ({ reason }) => errors.push(reason) });
    world.socket().server.opened();
    const refusal = { event: 'error', code: 'x', reason: 'LEADERBOARD_INVALID', message: 'no such id' };
    world.socket().server.received(JSON.stringify({ ...refusal, leaderboardId: 'not a board' }));
    expect(link.state).toEqual({ status: 'refused', reason: 'no such id' });
    expect([states, errors]).toEqual([['refused'], ['LEADERBOARD_INVALID']]);
  });

  it('goes on after an error frame and after one that it can not read', async () => {
    const errors: string[] = [];
    await start({ onError: ({ reason }) => errors.push(reason) });
    serve();
    world.socket().server.received('{"event":"error","code":"x","reason":"MESSAGE_INVALID","message":"m"}');
    world.socket().server.received('garbage');
    expect(errors).toEqual(['MESSAGE_INVALID']);
    expect(link.state.status).toBe('live');
  });
});

describe('coming back', () => {
  it('resumes from the position it holds and keeps showing that board meanwhile', async () => {
    await start();
    serve({ epoch: 3, seq: 14 });
    world.socket().server.closed(1006, '');
    expect(link.state.status).toBe('reconnecting');
    expect(link.board?.seq).toBe(14);
    await pass(500);
    expect(world.sockets).toHaveLength(2);
    expect(world.socket().url.search).toBe('?epoch=3&seq=14');
    world.socket().server.opened();
    world.socket().server.received('{"event":"score:current","epoch":3,"seq":14,"leaderboardId":"global"}');
    expect(states).toEqual(['live', 'reconnecting', 'live']);
    expect(boards).toHaveLength(1);
  });

  it('asks for another size in band, and takes only frames of that size, the later ones at the same position too', async () => {
    await start({ size: 50 });
    serve({ seq: 3 });
    expect(world.socket().sent).toEqual([{ type: 'subscribe', leaderboard: 'global', size: 50 }]);
    expect(boards).toEqual([]);
    const entry = { userId: 'eve', username: 'Eve', score: 1, rank: 11 };
    world.socket().server.received(boardFrame({ size: 50, seq: 3 }));
    world.socket().server.received(boardFrame({ size: 50, seq: 3, leaderboard: [entry] }));
    world.socket().server.received(boardFrame({ size: 50, seq: 2 }));
    world.socket().server.received(boardFrame({ size: 3, seq: 9 }));
    expect(boards.map(({ seq, entries }) => [seq, entries[0]?.userId])).toEqual([
      [3, 'ada'],
      [3, 'eve'],
    ]);
  });

  it('resumes another board in band', async () => {
    await start({ leaderboard: 'weekly' });
    serve({ leaderboardId: 'weekly', epoch: 3, seq: 14 });
    world.socket().server.closed(1006, '');
    await pass(500);
    world.socket().server.opened();
    expect(world.socket().url.search).toBe('');
    expect(world.socket().sent[0]).toEqual({ type: 'subscribe', leaderboard: 'weekly', epoch: 3, seq: 14 });
  });

  it('waits longer after every failure and starts anew after a connection that held', async () => {
    await start();
    const waits: number[] = [];
    for (let failure = 0; failure < 4; failure += 1) {
      world.socket().server.closed(1006, '');
      const before = world.sockets.length;
      const startedMs = Date.now();
      while (world.sockets.length === before) await pass(50);
      waits.push(Date.now() - startedMs);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    serve();
    await pass(SETTLED_AFTER_MS);
    world.socket().server.closed(1006, '');
    await pass(500);
    expect(world.sockets).toHaveLength(6);
  });

  it('does not take a connection that broke at once for a good one', async () => {
    await start();
    serve();
    world.socket().server.closed(1006, '');
    await pass(500);
    serve();
    world.socket().server.closed(1006, '');
    await pass(500);
    expect(world.sockets).toHaveLength(2);
    await pass(500);
    expect(world.sockets).toHaveLength(3);
  });

  it('honours the wish of a node that restarts', async () => {
    await start();
    serve();
    world.socket().server.closed(1012, '{"retryMs":4000}');
    await pass(4_900);
    expect(world.sockets).toHaveLength(1);
    await pass(100);
    expect(world.sockets).toHaveLength(2);
  });

  it('stops when the server says that coming back is pointless', async () => {
    const errors: object[] = [];
    await start({ onError: (error) => errors.push(error) });
    serve();
    world.socket().server.closed(4403, 'origin not allowed');
    await pass(600_000);
    expect(world.sockets).toHaveLength(1);
    expect(link.state).toEqual({ status: 'refused', reason: 'origin not allowed' });
    expect(errors).toEqual([{ reason: 'ORIGIN_NOT_ALLOWED', message: 'origin not allowed' }]);
  });

  it('waits for the network while offline, and comes back as soon as it is there', async () => {
    await start();
    serve();
    world.online = false;
    world.socket().server.closed(1006, '');
    expect(link.state.status).toBe('offline');
    await pass(OFFLINE_RETRY_MS - 1);
    expect(world.sockets).toHaveLength(1);
    world.online = true;
    world.wake();
    await pass(500);
    expect(world.sockets).toHaveLength(2);
  });

  it('tries now and then while offline, because the device can be wrong about that', async () => {
    await start();
    world.online = false;
    world.socket().server.closed(1006, '');
    await pass(OFFLINE_RETRY_MS);
    expect(world.sockets).toHaveLength(2);
  });
});

describe('a link that went dead', () => {
  it('is found by a ping without an answer, and left', async () => {
    await start();
    serve();
    await pass(PING_AFTER_MS);
    expect(world.socket().sent).toEqual([{ type: 'ping' }]);
    await pass(PONG_LIMIT_MS);
    expect(world.socket().left).toBe(true);
    expect(link.state.status).toBe('reconnecting');
  });

  it('is alive as long as anything comes', async () => {
    await start();
    serve();
    for (let round = 0; round < 5; round += 1) {
      await pass(PING_AFTER_MS);
      world.socket().server.received('{"event":"pong","userId":null}');
    }
    expect(world.sockets).toHaveLength(1);
    expect(states).toEqual(['live']);
  });

  it('is probed at once when the page wakes up', async () => {
    await start();
    serve();
    world.wake();
    expect(world.socket().sent).toEqual([{ type: 'ping' }]);
  });

  it('is given up when it does not open, or opens and says nothing', async () => {
    await start();
    await pass(OPEN_LIMIT_MS);
    expect(world.socket().left).toBe(true);
    await pass(500);
    world.socket().server.opened();
    await pass(OPEN_LIMIT_MS);
    expect(world.socket().left).toBe(true);
    expect(states).toEqual(['reconnecting']);
  });
});

describe('the token', () => {
  it('is shown in the handshake', async () => {
    await start({ token: () => 'a.b.c' });
    expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.a.b.c']);
    expect(world.socket().url.href).not.toContain('a.b.c');
  });

  it('is asked for anew when it was refused, and not shown twice', async () => {
    const asked: (string | undefined)[] = [];
    await start({
      token: ({ refused }) => {
        asked.push(refused);
        return refused === undefined ? 'old' : 'new';
      },
    });
    world.socket().server.opened();
    world.socket().server.closed(4401, 'token expired');
    await pass(500);
    expect(asked).toEqual([undefined, 'old']);
    expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.new']);
  });

  it.each([
    ['a function', () => 'only'],
    ['a string', 'only'],
  ] as const)(
    'of %s is left out when it is refused and there is no other, and the page is told',
    async (_, token) => {
      const errors: object[] = [];
      await start({ token, onError: (error) => errors.push(error) });
      expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.only']);
      world.socket().server.closed(4401, 'token invalid');
      await pass(500);
      expect(world.socket().protocols).toEqual(['scoreboard.v1']);
      expect(errors).toEqual([{ reason: 'TOKEN_INVALID', message: 'token invalid' }]);
    },
  );

  it('is left out when its source fails or gives something that is no token, and the page is told', async () => {
    const errors: string[] = [];
    const onError = ({ reason }: { reason: string }) => errors.push(reason);
    await start({ token: () => Promise.reject(new Error('no')), onError });
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
    link.close();
    await start({ token: 'two words', onError });
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
    expect(errors).toEqual(['TOKEN_UNAVAILABLE', 'TOKEN_INVALID']);
  });

  it('is renewed in band, without a new connection', async () => {
    let token = 'first';
    await start({ token: () => token });
    serve();
    token = 'second';
    await link.renewToken();
    await link.renewToken();
    expect(world.socket().sent).toEqual([{ type: 'authenticate', token: 'second' }]);
    expect(world.sockets).toHaveLength(1);
  });

  it('that comes while the socket is opening is shown in a new handshake', async () => {
    let token: string | undefined;
    await start({ token: () => token });
    token = 'first';
    await link.renewToken();
    await pass(0);
    expect(world.sockets.map((socket) => socket.left)).toEqual([true, false]);
    expect(world.socket().protocols).toEqual(['scoreboard.v1', 'bearer.first']);
  });

  it('that is gone makes the link a stranger again', async () => {
    let token: string | undefined = 'first';
    await start({ token: () => token });
    serve();
    token = undefined;
    await link.renewToken();
    await pass(0);
    expect(world.sockets.map((socket) => socket.left)).toEqual([true, false]);
    expect(world.socket().protocols).toEqual(['scoreboard.v1']);
  });
});

describe('closing', () => {
  it('leaves the socket and stays quiet for ever', async () => {
    await start();
    serve();
    link.close();
    world.wake();
    await pass(600_000);
    expect(world.sockets).toHaveLength(1);
    expect(world.socket().left).toBe(true);
    expect(states).toEqual(['live', 'closed']);
  });

  it('while waiting for a token or for the next attempt opens nothing', async () => {
    let give: (token: string) => void = () => {};
    await start({
      token: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    });
    link.close();
    give('late');
    await pass(600_000);
    expect(world.sockets).toHaveLength(0);
  });

  it('is not needed after an address that is none: that throws at once', async () => {
    await start();
    expect(() => new ScoreboardLink({ url: 'not an address' }, world.ports)).toThrow(TypeError);
  });
});
