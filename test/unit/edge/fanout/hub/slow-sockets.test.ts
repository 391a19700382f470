import { beforeEach, describe, expect, test } from 'vitest';
import { CLOSE } from '../../../../../edge/fanout/frames/close-codes.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { DIRECT_SEND_MAX_BUFFERED_BYTES } from '../../../../../edge/fanout/hub/limits.ts';
import { SlowSockets } from '../../../../../edge/fanout/hub/slow-sockets.ts';
import { openSocket, type PlainSocket } from './plain-socket.ts';

const LIMIT_MS = 1_000;
let nowMs: number;
let slow: SlowSockets;
let weekly: Channel;
let monthly: Channel;

beforeEach(() => {
  nowMs = 5_000;
  slow = new SlowSockets({ limitMs: LIMIT_MS, monotonicMs: () => nowMs });
  [weekly, monthly] = [new Channel('weekly'), new Channel('monthly')];
  publish(weekly, 1);
  publish(monthly, 1);
});

function publish(channel: Channel, tick: number): void {
  channel.newest = {
    ...{ leaderboard: channel.leaderboard, epoch: 1, seq: tick, entries: [], cause: undefined },
  };
  channel.promote(tick);
}

/** A socket that watches both boards and is subscribed to them. */
function openViewer(): PlainSocket {
  const socket = openSocket();
  socket.connection.channels = [weekly, monthly];
  for (const channel of [weekly, monthly]) slow.show(socket.connection, channel);
  socket.frames.length = 0;
  return socket;
}
const bothTopics = () => new Set([weekly.textTopic, monthly.textTopic]);
const summary = ({ frames }: PlainSocket) =>
  frames.map(({ event, leaderboardId, seq, stale }) => ({ event, leaderboardId, seq, stale }));

describe('showing a board', () => {
  test('sends the published board and subscribes the socket to its topic', () => {
    const socket = openSocket();
    slow.show(socket.connection, weekly);
    expect(summary(socket)).toEqual([
      { event: 'score:snapshot', leaderboardId: 'weekly', seq: 1, stale: true },
    ]);
    expect(socket.topics).toEqual(new Set([weekly.textTopic]));
    expect(slow.size).toBe(0);
  });

  test('uses the encoding of the socket', () => {
    const socket = openSocket({ isBinary: true });
    slow.show(socket.connection, weekly);
    expect(socket.frames).toMatchObject([{ event: 'score:snapshot', seq: 1 }]);
    expect(socket.topics).toEqual(new Set([weekly.binaryTopic]));
  });

  test('only confirms the position of a client that has the published board', () => {
    const socket = openSocket();
    slow.show(socket.connection, weekly, { epoch: 1, seq: 1 });
    expect(socket.frames).toMatchObject([{ event: 'score:current' }]);
  });

  test('does nothing before the first publication', () => {
    const socket = openSocket();
    slow.show(socket.connection, new Channel('unknown'));
    expect([socket.frames, [...socket.topics], slow.size]).toEqual([[], [], 0]);
  });

  test('marks a socket as behind whose buffer is filling, without a subscription', () => {
    const socket = openSocket();
    socket.buffered = DIRECT_SEND_MAX_BUFFERED_BYTES + 1;
    slow.show(socket.connection, weekly);
    expect([socket.frames, [...socket.topics], slow.size]).toEqual([[], [], 1]);
    expect(socket.connection.behind).toEqual({ sinceTick: 0, sinceMs: 5_000 });
  });

  test('sends nothing to a socket that is behind already: it gets the board when it catches up', () => {
    const socket = openViewer();
    slow.add(socket.connection, 3);
    slow.show(socket.connection, weekly);
    expect(socket.frames).toEqual([]);
    expect(socket.connection.behind?.sinceTick).toBe(0);
  });
});

describe('a socket that lost a frame', () => {
  test('is unsubscribed from all its boards before the next publication, and others stay', () => {
    const [lost, other] = [openViewer(), openViewer()];
    slow.add(lost.connection, 2);
    expect(lost.topics).toEqual(bothTopics());
    slow.park();
    expect([...lost.topics]).toEqual([]);
    expect(other.topics).toEqual(bothTopics());
    expect(slow.size).toBe(1);
  });

  test('counts once, from the first frame that it lost', () => {
    const { connection } = openViewer();
    slow.add(connection, 4);
    nowMs += 10;
    slow.add(connection, 3);
    slow.add(connection, 5);
    expect(connection.behind).toEqual({ sinceTick: 3, sinceMs: 5_000 });
    expect(slow.size).toBe(1);
  });

  test('keeps its subscriptions if it caught up before the next publication', () => {
    const socket = openViewer();
    slow.add(socket.connection, 2);
    slow.catchUp(socket.connection);
    slow.park();
    expect(socket.topics).toEqual(bothTopics());
  });

  test('is parked once: a later publication does not touch what it subscribed to since', () => {
    const socket = openViewer();
    slow.add(socket.connection, 2);
    slow.park();
    slow.catchUp(socket.connection);
    slow.add(socket.connection, 9);
    slow.park();
    slow.catchUp(socket.connection);
    slow.park();
    expect(socket.topics).toEqual(bothTopics());
  });

  test('is not behind if it is closed', () => {
    const socket = openViewer();
    socket.connection.socket = undefined;
    slow.add(socket.connection, 2);
    expect([slow.size, socket.connection.behind]).toEqual([0, undefined]);
  });

  test('is forgotten with its close', () => {
    const { connection } = openViewer();
    slow.add(connection, 2);
    slow.forget(connection);
    expect([slow.size, connection.behind]).toEqual([0, undefined]);
  });
});

describe('a socket that catches up', () => {
  let socket: PlainSocket;
  beforeEach(() => {
    socket = openViewer();
    slow.add(socket.connection, 2);
    slow.park();
  });

  test('gets the newest board where one was published since, and only the freshness of the others', () => {
    publish(weekly, 2);
    publish(weekly, 3);
    monthly.stale = false;
    monthly.promote(3);
    slow.catchUp(socket.connection);
    expect(summary(socket)).toEqual([
      { event: 'score:snapshot', leaderboardId: 'weekly', seq: 3, stale: true },
      { event: 'score:stale', leaderboardId: 'monthly', seq: undefined, stale: false },
    ]);
    expect(socket.topics).toEqual(bothTopics());
    expect([slow.size, socket.connection.behind]).toEqual([0, undefined]);
  });

  test('gets a board of the very tick in which it lost a frame', () => {
    publish(weekly, 2);
    slow.catchUp(socket.connection);
    expect(summary(socket)[0]).toMatchObject({ event: 'score:snapshot', leaderboardId: 'weekly', seq: 2 });
  });

  test('gets nothing of a board that is not published yet', () => {
    socket.connection.channels = [new Channel('unknown')];
    slow.catchUp(socket.connection);
    expect([socket.frames, [...socket.topics], slow.size]).toEqual([[], [], 0]);
  });

  test('is behind again if its buffer fills meanwhile, and then gets everything the next time', () => {
    socket.buffered = DIRECT_SEND_MAX_BUFFERED_BYTES + 1;
    slow.catchUp(socket.connection);
    expect([socket.frames, [...socket.topics], slow.size]).toEqual([[], [], 1]);
    socket.buffered = 0;
    slow.catchUp(socket.connection);
    expect(summary(socket).map(({ event }) => event)).toEqual(['score:snapshot', 'score:snapshot']);
    expect(socket.topics).toEqual(bothTopics());
  });

  test('is one that was behind: any other is sent nothing', () => {
    const other = openViewer();
    slow.catchUp(other.connection);
    expect(other.frames).toEqual([]);
  });
});

describe('a socket that stays behind', () => {
  test('is closed after the limit, and not before', () => {
    const socket = openViewer();
    slow.add(socket.connection, 2);
    nowMs += LIMIT_MS;
    slow.closeOverdue();
    expect(socket.closedWith).toBeUndefined();
    nowMs += 1;
    slow.closeOverdue();
    expect(socket.closedWith).toBe(CLOSE.SLOW_CONSUMER.code);
  });

  test('is closed alone', () => {
    const [early, late] = [openViewer(), openViewer()];
    slow.add(early.connection, 2);
    nowMs += LIMIT_MS;
    slow.add(late.connection, 2);
    nowMs += 1;
    slow.closeOverdue();
    expect([early.closedWith, late.closedWith]).toEqual([CLOSE.SLOW_CONSUMER.code, undefined]);
  });
});
