/** Boards that are offered to the hub, and what their viewers get. */
import { describe, expect, test, vi } from 'vitest';
import { CLOSE } from '../../../../../edge/fanout/frames/close-codes.ts';
import { Hub } from '../../../../../edge/fanout/hub/hub.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import {
  boardAt,
  channelOf,
  events,
  FULL,
  hub,
  metric,
  metrics,
  NOW,
  openOn,
  personal,
  SLOW_MS,
  seqs,
  settle,
  TICK_MS,
} from './hub-world.ts';

describe('an offered board', () => {
  test('is published to its viewers, first as a snapshot and then as updates', () => {
    const socket = openOn('global');
    expect(hub.offerBoard(boardAt(1))).toBe(true);
    settle();
    hub.offerBoard(boardAt(2));
    settle();
    expect(events(socket)).toEqual(['score:snapshot', 'score:update']);
    expect(socket.frames[1]).toMatchObject({ userId: 'ann', newScore: 2, seq: 2, stale: true });
  });

  test('after a quiet time goes out at once, and a second one after the tick', () => {
    const socket = openOn('global');
    hub.offerBoard(boardAt(1));
    vi.advanceTimersByTime(1);
    hub.offerBoard(boardAt(2));
    vi.advanceTimersByTime(TICK_MS - 10);
    expect(seqs(socket)).toEqual([1]);
    vi.advanceTimersByTime(10);
    expect(seqs(socket)).toEqual([1, 2]);
  });

  test('replaces those of the same tick that are older, which are counted', async () => {
    const socket = openOn('global');
    for (const seq of [1, 2, 3]) hub.offerBoard(boardAt(seq));
    settle();
    expect(seqs(socket)).toEqual([3]);
    expect(await metric('fanout_boards_conflated_total')).toBe(2);
  });

  test('is refused if it is not newer, or if its board is not watched', () => {
    const socket = openOn('global');
    hub.offerBoard(boardAt(2));
    settle();
    expect([hub.offerBoard(boardAt(2)), hub.offerBoard(boardAt(1))]).toEqual([false, false]);
    expect(hub.offerBoard(boardAt(3, { leaderboard: 'weekly' }))).toBe(false);
    settle();
    expect(seqs(socket)).toEqual([2]);
  });

  test('of a new epoch is a snapshot', () => {
    const socket = openOn('global');
    hub.offerBoard(boardAt(9));
    settle();
    hub.offerBoard(boardAt(1, { epoch: 2 }));
    settle();
    expect(socket.frames[1]).toMatchObject({ event: 'score:snapshot', epoch: 2, seq: 1 });
  });

  test('names the player who came with it as the cause', () => {
    const socket = openOn('global');
    hub.offerBoard(boardAt(1));
    settle();
    hub.offerBoard(boardAt(2, { cause: { userId: 'bob', newScore: 5 } }));
    settle();
    expect(socket.frames[1]).toMatchObject({ event: 'score:update', userId: 'bob', newScore: 5 });
  });

  test('is measured from its commit, if that is known', async () => {
    openOn('global');
    hub.offerBoard(boardAt(1), NOW - 250);
    settle();
    hub.offerBoard(boardAt(2));
    settle();
    hub.offerBoard(boardAt(3), NOW + 250);
    settle();
    expect(await metric('fanout_commit_to_socket_seconds_count')).toBe(2);
    expect(await metric('fanout_commit_to_socket_seconds_sum')).toBe(0.25);
    // A change of freshness publishes the same board again, which is no new commit.
    hub.setStale(channelOf('global'), false);
    settle();
    expect(await metric('fanout_commit_to_socket_seconds_count')).toBe(2);
  });

  test('is counted once, and its frame once for each receiver', async () => {
    openOn('global');
    openOn('global');
    hub.offerBoard(boardAt(1));
    settle();
    hub.offerBoard(boardAt(2));
    settle();
    expect(await metric('fanout_publishes_total')).toBe(2);
    // The first went to both as a snapshot of their own.
    expect(await metric('fanout_frames_delivered_total')).toBe(2);
    expect(await metric('fanout_frames_delivered_total', 'kind="broadcast"')).toBe(2);
    expect(await metric('fanout_publish_seconds_count')).toBe(2);
    expect(await metric('fanout_tick_seconds')).toBe(TICK_MS / 1000);
  });

  test('costs what its tick takes, which widens the interval', async () => {
    let nowMs = 1_000;
    const slow = new Hub({
      ...{ permanent: ['global'], tickMs: TICK_MS, slowConsumerMs: SLOW_MS, personal, metrics },
      publish() {
        nowMs += 200;
        return 0;
      },
      monotonicMs: () => nowMs,
      cpuMs: () => nowMs,
      now: () => NOW,
    });
    slow.offerBoard(boardAt(1));
    settle();
    slow.stop();
    expect(await metric('fanout_publish_seconds_sum')).toBe(0.2);
    expect(await metric('fanout_tick_seconds')).toBe(0.2);
  });
});

describe('the freshness of a board', () => {
  test('is published without the board if only it changed', () => {
    const socket = openOn('global');
    hub.offerBoard(boardAt(1));
    settle();
    hub.setStale(channelOf('global'), false);
    settle();
    expect(socket.frames[1]).toEqual({ event: 'score:stale', leaderboardId: 'global', stale: false });
  });

  test('goes with the board if both changed', () => {
    const socket = openOn('global');
    hub.setStale(channelOf('global'), false);
    hub.offerBoard(boardAt(1));
    settle();
    expect(socket.frames).toMatchObject([{ event: 'score:snapshot', stale: false }]);
  });

  test('is not published if it did not change, or changed back within the tick', async () => {
    const socket = openOn('global');
    hub.offerBoard(boardAt(1));
    settle();
    hub.setStale(channelOf('global'), true);
    hub.setStale(channelOf('global'), false);
    hub.setStale(channelOf('global'), true);
    settle();
    expect(seqs(socket)).toEqual([1]);
    expect(await metric('fanout_publishes_total')).toBe(1);
  });

  test('is not published while no board is known, and not after the board was closed', async () => {
    const socket = openOn('weekly');
    const weekly = channelOf('weekly');
    hub.setStale(weekly, false);
    settle();
    hub.offerBoard(boardAt(1, { leaderboard: 'weekly' }));
    settle();
    hub.offerBoard(boardAt(2, { leaderboard: 'weekly' }));
    hub.leave(socket.connection, 'weekly');
    hub.setStale(weekly, true);
    settle();
    expect(weekly.stale).toBe(false);
    expect(await metric('fanout_publishes_total')).toBe(1);
  });

  test('does not run a tick if it did not change', async () => {
    hub.setStale(channelOf('global'), true);
    settle();
    expect(await metric('fanout_publish_seconds_count')).toBe(0);
  });
});

describe('a board that cannot be read', () => {
  const error = new AppError('LEADERBOARD_INVALID');

  test('is refused to all who wait for it, and closed', () => {
    const [first, second] = [openOn('weekly'), openOn('weekly')];
    hub.refuse(channelOf('weekly'), error);
    for (const socket of [first, second]) {
      expect(socket.frames).toMatchObject([
        { event: 'error', reason: error.reason, leaderboardId: 'weekly' },
      ]);
      expect(socket.connection.channels).toEqual([]);
    }
    expect(hub.find('weekly')).toBeUndefined();
  });

  test('closes a socket that cannot take the error', () => {
    const socket = openOn('weekly');
    socket.buffered = FULL;
    hub.refuse(channelOf('weekly'), error);
    expect(socket.closedWith).toBe(CLOSE.SLOW_CONSUMER.code);
  });

  test('stays on the screens if it was published before', () => {
    const socket = openOn('weekly');
    hub.offerBoard(boardAt(1, { leaderboard: 'weekly' }));
    settle();
    hub.refuse(channelOf('weekly'), error);
    expect(events(socket)).toEqual(['score:snapshot']);
    expect(socket.connection.channels).toEqual([channelOf('weekly')]);
  });
});

test('a hub that was stopped publishes nothing more', () => {
  const socket = openOn('global');
  hub.offerBoard(boardAt(1));
  hub.stop();
  settle();
  expect(socket.frames).toEqual([]);
});
