import { describe, expect, it } from 'vitest';
import { BACKOFF_MIN_MS } from '../../../../../edge/web/client/reconnect.ts';
import { ScoreboardLink } from '../../../../../edge/web/client/scoreboard-link.ts';
import { boardFrame } from './board-frame.ts';
import { boards, link, pass, serve, standings, start, states, useLink, world } from './link-fixture.ts';

useLink();

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
