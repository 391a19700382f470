import { describe, expect, test } from 'vitest';
import {
  BOARDS_PER_PLAYER,
  DIRECT_SEND_MAX_BUFFERED_BYTES,
  SOCKETS_PER_PLAYER,
} from '../../../../../edge/fanout/hub/limits.ts';
import {
  openFor,
  personal,
  publishedChannel,
  state,
  usePersonal,
  versions,
  weekly,
} from './personal-fixture.ts';
import { openSocket, type PlainSocket } from './plain-socket.ts';

usePersonal();

describe('a socket that does not keep up', () => {
  const fill = (socket: PlainSocket) => {
    socket.buffered = DIRECT_SEND_MAX_BUFFERED_BYTES + 1;
  };

  test('gets its newest state once its buffer has drained', () => {
    const ann = openFor('ann', weekly);
    fill(ann);
    personal.offer(weekly, [state('ann', 3)]);
    expect(personal.flush()).toBe(0);
    expect(ann.connection.owesPersonal).toBe(true);
    ann.buffered = 0;
    personal.resend('ann', ann.connection);
    expect(versions(ann)).toEqual([3]);
    expect(ann.connection.owesPersonal).toBe(false);
  });

  test('is sent nothing while it is behind, whatever its buffer holds', () => {
    const ann = openFor('ann', weekly);
    ann.connection.behind = { sinceTick: 1, sinceMs: 1 };
    personal.offer(weekly, [state('ann', 3)]);
    expect(personal.flush()).toBe(0);
    expect([ann.frames, ann.connection.owesPersonal]).toEqual([[], true]);
  });

  test('remains due if its buffer is full again', () => {
    const ann = openFor('ann', weekly);
    fill(ann);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    personal.resend('ann', ann.connection);
    expect([ann.frames, ann.connection.owesPersonal]).toEqual([[], true]);
  });

  test('owes nothing of a board that it does not watch', () => {
    const [watching, other] = [openFor('ann', weekly), openFor('ann')];
    for (const socket of [watching, other]) fill(socket);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    expect([watching.connection.owesPersonal, other.connection.owesPersonal]).toEqual([true, false]);
  });

  test('of an unknown player is sent nothing', () => {
    const socket = openSocket();
    expect(() => personal.resend('nemo', socket.connection)).not.toThrow();
    expect(socket.frames).toEqual([]);
  });
});

describe('the sockets of one player', () => {
  test('are limited, and a token that is renewed does not count twice', () => {
    const sockets = Array.from({ length: SOCKETS_PER_PLAYER }, () => openFor('ann', weekly));
    const [first] = sockets;
    const further = openSocket().connection;
    expect(personal.add('ann', further)).toBe(false);
    expect(first && personal.add('ann', first.connection)).toBe(true);
    expect(personal.add('bob', further)).toBe(true);
    personal.offer(weekly, [state('ann', 3)]);
    expect(personal.flush()).toBe(SOCKETS_PER_PLAYER);
  });

  test('make room when they close', () => {
    const sockets = Array.from({ length: SOCKETS_PER_PLAYER }, () => openFor('ann', weekly));
    const [first] = sockets;
    if (first !== undefined) personal.remove('ann', first.connection);
    expect(personal.add('ann', openSocket().connection)).toBe(true);
  });

  test('get nothing once they have closed', () => {
    const [first, second] = [openFor('ann', weekly), openFor('ann', weekly)];
    personal.remove('ann', first.connection);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    expect([versions(first), versions(second)]).toEqual([[], [3]]);
  });

  test('are forgotten with their states when the last one closes', () => {
    const first = openFor('ann', weekly);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    personal.remove('ann', first.connection);
    const second = openFor('ann', weekly);
    personal.resend('ann', second.connection);
    expect(second.frames).toEqual([]);
    expect(() => personal.remove('nemo', first.connection)).not.toThrow();
  });

  test('keep their states while one of them is open', () => {
    const [first, second] = [openFor('ann', weekly), openFor('ann', weekly)];
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    personal.remove('ann', first.connection);
    personal.resend('ann', second.connection);
    expect(versions(second)).toEqual([3, 3]);
  });
});

test('a node remembers the states of one player on a limited number of boards, the latest ones', () => {
  const boards = Array.from({ length: BOARDS_PER_PLAYER + 1 }, (_, index) => publishedChannel(`b-${index}`));
  const ann = openFor('ann', ...boards);
  for (const channel of boards) personal.offer(channel, [state('ann', 1)]);
  expect(personal.flush()).toBe(BOARDS_PER_PLAYER + 1);
  ann.frames.length = 0;
  personal.resend('ann', ann.connection);
  const resent = ann.frames.map(({ leaderboardId }) => leaderboardId);
  expect(resent).toEqual(boards.slice(1).map(({ leaderboard }) => leaderboard));
});
