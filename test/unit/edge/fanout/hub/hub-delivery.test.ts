/** What reaches a socket that loses frames, and a player who is signed in. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { CLOSE } from '../../../../../edge/fanout/frames/close-codes.ts';
import { boardAt, FULL, hub, metric, openOn, personal, SLOW_MS, seqs, settle, state } from './hub-world.ts';
import { identityOf, type PlainSocket } from './plain-socket.ts';

describe('a socket that loses a frame', () => {
  let socket: PlainSocket;
  beforeEach(() => {
    socket = openOn('global');
    hub.offerBoard(boardAt(1));
    settle();
    socket.buffered = FULL;
    hub.offerBoard(boardAt(2));
    settle();
  });

  test('is parked and counted, and others go on', async () => {
    const other = openOn('global');
    hub.offerBoard(boardAt(3));
    settle();
    expect([...socket.topics]).toEqual([]);
    expect([seqs(socket), seqs(other)]).toEqual([[1], [2, 3]]);
    expect(hub.behind).toBe(1);
    expect(await metric('fanout_frames_dropped_total')).toBe(1);
  });

  test('gets the newest board once its buffer has drained, and then every change', () => {
    hub.offerBoard(boardAt(3));
    settle();
    socket.buffered = 0;
    hub.onDrained(socket.connection);
    expect(seqs(socket)).toEqual([1, 3]);
    expect(hub.behind).toBe(0);
    hub.offerBoard(boardAt(4));
    settle();
    expect(seqs(socket)).toEqual([1, 3, 4]);
  });

  test('gets the very board whose frame it lost', () => {
    socket.buffered = 0;
    hub.onDrained(socket.connection);
    expect(seqs(socket)).toEqual([1, 2]);
  });

  test('is closed if it stays behind for too long', () => {
    vi.advanceTimersByTime(SLOW_MS / 2);
    hub.closeSlow();
    expect(socket.closedWith).toBeUndefined();
    vi.advanceTimersByTime(SLOW_MS);
    hub.closeSlow();
    expect(socket.closedWith).toBe(CLOSE.SLOW_CONSUMER.code);
    expect(hub.behind).toBe(0);
  });
});

test('a buffer that drains means nothing for a socket that keeps up', () => {
  const socket = openOn('global');
  hub.offerBoard(boardAt(1));
  settle();
  hub.onDrained(socket.connection);
  expect(seqs(socket)).toEqual([1]);
});

describe('the own updates of a player', () => {
  let socket: PlainSocket;
  beforeEach(() => {
    socket = openOn('global');
    hub.offerBoard(boardAt(1));
    settle();
    socket.connection.identity = identityOf('ann');
    personal.add('ann', socket.connection);
    socket.frames.length = 0;
  });

  test('follow the board that came with them', async () => {
    hub.offerBoard(boardAt(2));
    hub.offerPlayers('global', [state(5)]);
    settle();
    expect(socket.frames.map(({ seq, version }) => [seq, version])).toEqual([
      [2, undefined],
      [2, 5],
    ]);
    expect(await metric('fanout_frames_delivered_total', 'kind="broadcast"')).toBe(1);
    expect(await metric('fanout_frames_delivered_total', 'kind="personal"')).toBe(1);
  });

  test('are sent without a new board too', () => {
    hub.offerPlayers('global', [state(5)]);
    settle();
    expect(socket.frames).toMatchObject([{ seq: 1, version: 5 }]);
  });

  test('run no tick for players without a socket here, or for a board that is not watched', async () => {
    const before = await metric('fanout_publish_seconds_count');
    hub.offerPlayers('global', [{ ...state(5), userId: 'bob' }]);
    hub.offerPlayers('weekly', [state(5)]);
    settle();
    expect(await metric('fanout_publish_seconds_count')).toBe(before);
  });

  test('that a full buffer held back are sent once it has drained, after the board', () => {
    socket.buffered = FULL;
    hub.offerBoard(boardAt(2));
    hub.offerPlayers('global', [state(5)]);
    settle();
    expect(socket.frames).toEqual([]);
    socket.buffered = 0;
    hub.onDrained(socket.connection);
    expect(socket.frames.map(({ seq, version }) => [seq, version])).toEqual([
      [2, undefined],
      [2, 5],
    ]);
    hub.onDrained(socket.connection);
    expect(socket.frames).toHaveLength(2);
  });
});
