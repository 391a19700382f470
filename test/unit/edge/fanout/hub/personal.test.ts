import { describe, expect, test } from 'vitest';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { DIRECT_SEND_MAX_BUFFERED_BYTES } from '../../../../../edge/fanout/hub/limits.ts';
import {
  openFor,
  personal,
  publishedChannel,
  state,
  usePersonal,
  versions,
  weekly,
} from './personal-fixture.ts';

usePersonal();

describe('an offered state', () => {
  test('is sent at the next flush, with the published board', () => {
    const ann = openFor('ann', weekly);
    expect(personal.offer(weekly, [state('ann', 3)])).toBe(true);
    expect(ann.frames).toEqual([]);
    expect(personal.flush()).toBe(1);
    expect(ann.frames).toEqual([
      {
        ...{ event: 'score:update', userId: 'ann', newScore: 30, rank: 7, version: 3 },
        ...{ leaderboard: [], epoch: 1, seq: 1, leaderboardId: 'weekly', stale: false },
      },
    ]);
  });

  test('is sent once', () => {
    const ann = openFor('ann', weekly);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    expect(personal.flush()).toBe(0);
    expect(versions(ann)).toEqual([3]);
  });

  test('replaces an older one of the same tick', () => {
    const ann = openFor('ann', weekly);
    personal.offer(weekly, [state('ann', 3)]);
    expect(personal.offer(weekly, [state('ann', 4)])).toBe(true);
    expect(personal.flush()).toBe(1);
    expect(versions(ann)).toEqual([4]);
  });

  test('is dropped if it is older than the newest one, or the same', () => {
    const ann = openFor('ann', weekly);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    expect(personal.offer(weekly, [state('ann', 3), state('ann', 2)])).toBe(false);
    expect(personal.offer(weekly, [state('ann', 4)])).toBe(true);
    personal.flush();
    expect(versions(ann)).toEqual([3, 4]);
  });

  test('is compared on its own board only', () => {
    const monthly = publishedChannel('monthly');
    const ann = openFor('ann', weekly, monthly);
    personal.offer(weekly, [state('ann', 5)]);
    personal.offer(monthly, [state('ann', 2)]);
    expect(personal.flush()).toBe(2);
    expect(ann.frames).toMatchObject([
      { leaderboardId: 'weekly', version: 5 },
      { leaderboardId: 'monthly', version: 2 },
    ]);
  });

  test('goes to every socket of the player that watches the board, and to no other', () => {
    const monthly = publishedChannel('monthly');
    const sockets = [openFor('ann', weekly), openFor('ann', weekly), openFor('ann', monthly)];
    const bob = openFor('bob', weekly);
    personal.offer(weekly, [state('ann', 3)]);
    expect(personal.flush()).toBe(2);
    expect(sockets.map(versions)).toEqual([[3], [3], []]);
    expect(bob.frames).toEqual([]);
  });

  test('is ignored if the player has no socket here, or none that watches the board', () => {
    expect(personal.offer(weekly, [state('ann', 3)])).toBe(false);
    const ann = openFor('ann', publishedChannel('monthly'));
    expect(personal.offer(weekly, [state('ann', 3), state('bob', 3)])).toBe(false);
    ann.connection.channels = [weekly];
    personal.resend('ann', ann.connection);
    expect(ann.frames).toEqual([]);
  });

  test('waits for nothing if its board is not published', () => {
    const unknown = new Channel('unknown');
    const ann = openFor('ann', unknown);
    expect(personal.offer(unknown, [state('ann', 3)])).toBe(true);
    expect(personal.flush()).toBe(0);
    personal.resend('ann', ann.connection);
    expect(ann.frames).toEqual([]);
    // It is queued again with the next state.
    unknown.newest = { leaderboard: 'unknown', epoch: 1, seq: 1, entries: [], cause: undefined };
    unknown.promote(2);
    personal.offer(unknown, [state('ann', 4)]);
    expect(personal.flush()).toBe(1);
  });

  test('of an unknown rank says so', () => {
    const ann = openFor('ann', weekly);
    personal.offer(weekly, [{ ...state('ann', 3), rank: undefined }]);
    personal.flush();
    expect(ann.frames).toMatchObject([{ rank: null }]);
  });
});

describe('a state that was read for a socket', () => {
  test('is sent to that socket alone, also if another socket got the same version before', () => {
    const first = openFor('ann', weekly);
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    const second = openFor('ann', weekly);
    personal.welcome(second.connection, weekly, { ...state('ann', 3), rank: 8 }, personal.flushes);
    expect(first.frames).toMatchObject([{ version: 3, rank: 7 }]);
    expect(second.frames).toMatchObject([{ version: 3, rank: 8 }]);
  });

  test('gives way to a newer one that another socket got before', () => {
    openFor('ann', weekly);
    personal.offer(weekly, [state('ann', 4)]);
    personal.flush();
    const ann = openFor('ann', weekly);
    personal.welcome(ann.connection, weekly, state('ann', 3), personal.flushes);
    expect(versions(ann)).toEqual([4]);
  });

  test.each([3, 4])('is not sent if an update of version %i came meanwhile, or is about to', (version) => {
    const ann = openFor('ann', weekly);
    const askedIn = personal.flushes;
    personal.offer(weekly, [state('ann', version)]);
    personal.welcome(ann.connection, weekly, state('ann', 3), askedIn);
    personal.flush();
    personal.welcome(ann.connection, weekly, state('ann', 3), askedIn);
    expect(versions(ann)).toEqual([version]);
  });

  test('is sent if it is newer than what came meanwhile', () => {
    const ann = openFor('ann', weekly);
    const askedIn = personal.flushes;
    personal.offer(weekly, [state('ann', 3)]);
    personal.flush();
    personal.welcome(ann.connection, weekly, state('ann', 5), askedIn);
    expect(versions(ann)).toEqual([3, 5]);
  });

  test('is due again once a full buffer has drained', () => {
    const ann = openFor('ann', weekly);
    ann.buffered = DIRECT_SEND_MAX_BUFFERED_BYTES + 1;
    personal.welcome(ann.connection, weekly, state('ann', 3), personal.flushes);
    expect([ann.frames, ann.connection.owesPersonal]).toEqual([[], true]);
    ann.buffered = 0;
    personal.resend('ann', ann.connection);
    expect(versions(ann)).toEqual([3]);
  });

  test('is not sent to a socket that has closed', () => {
    const ann = openFor('ann', weekly);
    openFor('ann', weekly);
    personal.remove('ann', ann.connection);
    personal.welcome(ann.connection, weekly, state('ann', 3), personal.flushes);
    expect(ann.frames).toEqual([]);
  });
});
