import { describe, expect, it } from 'vitest';
import {
  OFFLINE_RETRY_MS,
  OPEN_LIMIT_MS,
  PING_AFTER_MS,
  PONG_LIMIT_MS,
  SETTLED_AFTER_MS,
} from '../../../../../edge/web/client/scoreboard-link.ts';
import { boardFrame } from './board-frame.ts';
import { boards, link, pass, serve, start, states, useLink, world } from './link-fixture.ts';

useLink();

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
