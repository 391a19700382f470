import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { STANDING_RETRY_MS, STANDINGS_PER_READ } from '../../../../../edge/fanout/feed/limits.ts';
import { Standings } from '../../../../../edge/fanout/feed/standings.ts';
import type { PlayerState } from '../../../../../edge/fanout/frames/board-state.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import type { Connection } from '../../../../../edge/fanout/hub/connection.ts';
import {
  type GetPlacesResponse,
  GetPlacesResponseSchema,
} from '../../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import { identityOf, openSocket } from '../hub/plain-socket.ts';

interface Query {
  readonly leaderboard?: string;
  readonly userId?: string;
}

/** A read that the test answers. */
interface Read {
  readonly queries: readonly Query[];
  readonly answer: (response: GetPlacesResponse) => void;
  readonly fail: () => void;
}

let reads: Read[];
let welcomed: [userId: string, leaderboard: string, version: number][];
let standings: Standings;

beforeEach(() => {
  vi.useFakeTimers();
  [reads, welcomed] = [[], []];
  standings = new Standings({
    rank: {
      getPlaces: ({ queries = [] }) =>
        new Promise((answer, reject) => {
          reads.push({ queries, answer, fail: () => reject(new Error('down')) });
        }),
    },
    personal: {
      flushes: 0,
      welcome: (_: Connection, { leaderboard }: Channel, { userId, version }: PlayerState) =>
        welcomed.push([userId, leaderboard, version]),
    },
    log: createSilentLog(),
  });
});

afterEach(() => {
  standings.stop();
  vi.useRealTimers();
});

function channelOf(leaderboard: string, isPublished = true): Channel {
  const channel = new Channel(leaderboard);
  if (isPublished) publish(channel);
  return channel;
}

function publish(channel: Channel): void {
  channel.newest = { leaderboard: channel.leaderboard, epoch: 1, seq: 1, entries: [], cause: undefined };
  channel.promote(1);
}

function signIn(userId: string, ...channels: Channel[]): Connection {
  const { connection } = openSocket();
  connection.channels = channels;
  connection.identity = identityOf(userId);
  standings.welcome(connection);
  return connection;
}

/** Answers with a place for each query, at this version. */
async function answer(read: Read | undefined, version = 1n): Promise<void> {
  if (read === undefined) throw new Error('nothing was read');
  const outcomes = read.queries.map(({ userId = '' }) => ({
    result: { case: 'place' as const, value: { entry: { userId, score: 5n, rank: 2n }, version } },
  }));
  read.answer(create(GetPlacesResponseSchema, { outcomes }));
  await vi.advanceTimersByTimeAsync(0);
}

const queried = (read: Read | undefined) =>
  read?.queries.map(({ userId, leaderboard }) => `${userId} ${leaderboard}`);

describe('the standing of a player who signs in', () => {
  test('is read for each board of the socket and sent to it', async () => {
    signIn('ann', channelOf('global'), channelOf('weekly'));
    expect(queried(reads[0])).toEqual(['ann global', 'ann weekly']);
    await answer(reads[0], 7n);
    expect(welcomed).toEqual([
      ['ann', 'global', 7],
      ['ann', 'weekly', 7],
    ]);
    expect(reads).toHaveLength(1);
  });

  test('is read with all that came while a read was on its way, up to the limit of a call', async () => {
    const global = channelOf('global');
    signIn('first', global);
    for (let index = 0; index <= STANDINGS_PER_READ; index += 1) signIn(`p${index}`, global);
    expect(reads).toHaveLength(1);
    await answer(reads[0]);
    expect(reads[1]?.queries).toHaveLength(STANDINGS_PER_READ);
    await answer(reads[1]);
    expect(queried(reads[2])).toEqual([`p${STANDINGS_PER_READ} global`]);
  });

  test('is not sent if the player has no score', async () => {
    signIn('new', channelOf('global'));
    const refused = { code: 5, reason: 'PLAYER_NOT_FOUND', message: 'none' };
    reads[0]?.answer(
      create(GetPlacesResponseSchema, { outcomes: [{ result: { case: 'refused', value: refused } }] }),
    );
    await vi.advanceTimersByTimeAsync(STANDING_RETRY_MS);
    expect([welcomed, reads.length]).toEqual([[], 1]);
  });

  test('is asked for again after a failure and while its board is not known, as long as the socket is open', async () => {
    const weekly = channelOf('weekly', false);
    const ann = signIn('ann', weekly);
    const bob = signIn('bob', weekly);
    reads[0]?.fail();
    await vi.advanceTimersByTimeAsync(STANDING_RETRY_MS - 1);
    expect(reads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(queried(reads[1])).toEqual(['bob weekly', 'ann weekly']);
    await answer(reads[1]);
    expect(welcomed).toEqual([]);
    publish(weekly);
    bob.identity = undefined;
    await vi.advanceTimersByTimeAsync(STANDING_RETRY_MS);
    await answer(reads[2]);
    expect(welcomed).toEqual([['ann', 'weekly', 1]]);
    ann.channels = [];
    standings.welcome(ann);
    expect(reads).toHaveLength(3);
  });

  test('is not read for a socket without a player, and not after the stop', () => {
    const { connection } = openSocket();
    connection.channels = [channelOf('global')];
    standings.welcome(connection);
    standings.stop();
    signIn('late', channelOf('global'));
    expect(reads).toEqual([]);
  });
});
