/** Sockets that join and leave boards. */
import { describe, expect, test } from 'vitest';
import type { AddressShare } from '../../../../../edge/fanout/hub/address-share.ts';
import { BOARDS_PER_ADDRESS, BOARDS_PER_SOCKET } from '../../../../../edge/fanout/hub/limits.ts';
import { boardAt, channelOf, events, FULL, hub, open, openOn, refusal, seqs, settle } from './hub-world.ts';

describe('a socket that joins', () => {
  test('gets the published board at once and every change from then on', () => {
    hub.offerBoard(boardAt(1));
    settle();
    const socket = open();
    expect(hub.join(socket.connection, 'global')).toBe(channelOf('global'));
    expect(socket.frames).toMatchObject([{ event: 'score:snapshot', seq: 1 }]);
    hub.offerBoard(boardAt(2));
    settle();
    expect(seqs(socket)).toEqual([1, 2]);
  });

  test('resumes from its position', () => {
    hub.offerBoard(boardAt(1));
    settle();
    const socket = open();
    hub.join(socket.connection, 'global', { epoch: 1, seq: 1 });
    expect(events(socket)).toEqual(['score:current']);
  });

  test('sees the published board although a newer one is known, which follows', () => {
    hub.offerBoard(boardAt(1));
    settle();
    hub.offerBoard(boardAt(2));
    const socket = openOn('global');
    settle();
    expect(seqs(socket)).toEqual([1, 2]);
  });

  test('a board that is not known gets it once it is', () => {
    const socket = openOn('weekly');
    expect(socket.frames).toEqual([]);
    hub.offerBoard(boardAt(1, { leaderboard: 'weekly' }));
    settle();
    hub.offerBoard(boardAt(2, { leaderboard: 'weekly' }));
    settle();
    expect(events(socket)).toEqual(['score:snapshot', 'score:update']);
  });

  test('again is shown the board again, and watches it once', () => {
    hub.offerBoard(boardAt(1));
    settle();
    const socket = openOn('global');
    hub.join(socket.connection, 'global');
    expect(seqs(socket)).toEqual([1, 1]);
    expect(socket.connection.channels).toEqual([channelOf('global')]);
  });

  test('shares the list of its boards with all that watch the same one only', () => {
    const [first, second] = [openOn('global'), openOn('global')];
    expect(first.connection.channels).toBe(second.connection.channels);
    hub.join(second.connection, 'weekly');
    expect(second.connection.channels).toEqual([channelOf('global'), channelOf('weekly')]);
    expect(first.connection.channels).toEqual([channelOf('global')]);
    hub.leave(second.connection, 'weekly');
    expect(first.connection.channels).toBe(second.connection.channels);
  });

  test('watches a limited number of boards, and may join those again', () => {
    const { connection } = open();
    for (let number = 0; number < BOARDS_PER_SOCKET; number += 1) hub.join(connection, `b-${number}`);
    expect(refusal(() => hub.join(connection, 'one-more'))).toBe('SUBSCRIPTION_LIMIT_REACHED');
    expect(refusal(() => hub.join(connection, 'b-0'))).toBeUndefined();
    expect(hub.find('one-more')).toBeUndefined();
    hub.leave(connection, 'b-0');
    expect(refusal(() => hub.join(connection, 'one-more'))).toBeUndefined();
    expect(hub.watched).toBe(1 + BOARDS_PER_SOCKET);
  });
});

describe('a socket that leaves', () => {
  test('gets nothing more of that board, and still of the others', () => {
    const socket = openOn('global');
    hub.join(socket.connection, 'weekly');
    for (const leaderboard of ['global', 'weekly']) hub.offerBoard(boardAt(1, { leaderboard }));
    settle();
    hub.leave(socket.connection, 'weekly');
    for (const leaderboard of ['global', 'weekly']) hub.offerBoard(boardAt(2, { leaderboard }));
    settle();
    expect(socket.frames.map(({ leaderboardId, seq }) => `${leaderboardId} ${seq}`)).toEqual([
      'global 1',
      'weekly 1',
      'global 2',
    ]);
    expect(socket.topics).toEqual(new Set([channelOf('global').textTopic]));
  });

  test('as the last viewer closes the board, unless that is permanent', () => {
    const socket = openOn('global');
    hub.join(socket.connection, 'weekly');
    hub.leave(socket.connection, 'weekly');
    hub.leave(socket.connection, 'global');
    expect([...hub.channels()].map(({ leaderboard }) => leaderboard)).toEqual(['global']);
    expect(socket.connection.channels).toEqual([]);
  });

  test('a board that it does not watch changes nothing, for its address neither', () => {
    const share: AddressShare = { address: '192.0.2.1', sockets: 2, boards: new Map(), site: undefined };
    const [viewer, other] = [open({ share }), open({ share })];
    hub.join(viewer.connection, 'weekly');
    hub.join(other.connection, 'global');
    hub.leave(other.connection, 'weekly');
    hub.leave(other.connection, 'unknown');
    expect(viewer.connection.channels).toEqual([channelOf('weekly')]);
    expect(hub.find('weekly')?.isOpen).toBe(true);
    expect(share.boards).toEqual(new Map([['weekly', 1]]));
    hub.offerBoard(boardAt(1, { leaderboard: 'weekly' }));
    settle();
    expect(seqs(viewer)).toEqual([1]);
  });

  test('by its close watches nothing', () => {
    const socket = openOn('weekly');
    hub.onDropped(socket.connection);
    hub.forget(socket.connection);
    expect([socket.connection.channels, hub.find('weekly'), hub.behind]).toEqual([[], undefined, 0]);
  });
});

test('a socket that is closed while room is made for the board that it requests watches nothing', () => {
  const share: AddressShare = { address: '192.0.2.1', sockets: 11, boards: new Map(), site: undefined };
  const stuck = open({ share });
  stuck.buffered = FULL;
  hub.join(stuck.connection, 'first');
  let others = open({ share });
  for (let number = 1; number < BOARDS_PER_ADDRESS; number += 1) {
    if (others.connection.channels.length === BOARDS_PER_SOCKET) others = open({ share });
    hub.join(others.connection, `b-${number}`);
  }
  hub.offerBoard(boardAt(1, { leaderboard: 'first', entries: [] }));
  expect(hub.join(stuck.connection, 'one-more')).toBeUndefined();
  expect([stuck.connection.socket, stuck.connection.channels]).toEqual([undefined, []]);
  expect([hub.find('first'), hub.find('one-more')]).toEqual([undefined, undefined]);
  expect(share.boards.size).toBe(BOARDS_PER_ADDRESS - 1);
});
