/** Followed players: when lists are read and sent, which share a read, and the limits. */
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Following } from '../../../../../edge/fanout/feed/following.ts';
import {
  FOLLOWED_READS_PER_ROUND,
  FOLLOWED_ROUND_MS,
  FOLLOWED_STALE_MS,
} from '../../../../../edge/fanout/feed/limits.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import type { Connection } from '../../../../../edge/fanout/hub/connection.ts';
import {
  FOLLOWED_PER_ADDRESS,
  FOLLOWED_PER_NODE,
  FOLLOWED_PER_SOCKET,
} from '../../../../../edge/fanout/hub/limits.ts';
import { ListPlayersResponseSchema } from '../../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import { identityOf, openSocket, type PlainSocket, type PlainSocketOptions } from '../hub/plain-socket.ts';

const WEEKLY = new Channel('weekly');
/** Scores by player; best first is the order of the board. */
let scores: Map<string, number>;
let reads: { leaderboard: string; userIds: string[] }[];
let isDown: boolean;
let following: Following;

beforeEach(() => {
  vi.useFakeTimers();
  scores = new Map([
    ['ada', 30],
    ['bob', 20],
  ]);
  reads = [];
  isDown = false;
  following = new Following({
    rank: {
      async listPlayers({ leaderboard = '', userIds = [] }) {
        reads.push({ leaderboard, userIds: [...userIds] });
        if (isDown) throw new AppError('RANK_UNAVAILABLE');
        const ordered = [...scores].sort(([, a], [, b]) => b - a);
        const entries = ordered.map(([userId, score], at) => ({
          ...{ userId, username: userId, score: BigInt(score), rank: BigInt(at + 1) },
        }));
        return create(ListPlayersResponseSchema, {
          entries: entries.filter(({ userId }) => userIds.includes(userId)),
        });
      },
    },
    log: createSilentLog(),
    monotonicMs: () => performance.now(),
  });
});
afterEach(() => {
  following.stop();
  vi.useRealTimers();
});

function open(options: PlainSocketOptions = {}): PlainSocket & { connection: Connection } {
  const socket = openSocket(options);
  socket.connection.channels = WEEKLY.alone;
  return socket;
}
/** Long enough for the reads that are due. */
const settle = () => vi.advanceTimersByTimeAsync(FOLLOWED_ROUND_MS + 10);
const moved = (userId: string) =>
  following.offer('weekly', [{ userId, score: 0, rank: undefined, version: 1 }]);
const shown = ({ frames }: PlainSocket) =>
  frames.map(({ players }) =>
    (players as { userId: string; rank: number }[]).map((each) => [each.userId, each.rank]),
  );
const ids = (count: number, name = 'u') => Array.from({ length: count }, (_, at) => `${name}${at}`);

describe('a socket that follows players', () => {
  it('gets those with a score at once, and again when one of them moved and their list is another one', async () => {
    const socket = open();
    following.follow(socket.connection, 'weekly', ['bob', 'nobody', 'ada']);
    await settle();
    expect(socket.frames).toEqual([
      {
        ...{ event: 'score:players', leaderboardId: 'weekly', stale: false },
        players: [
          { userId: 'ada', username: 'ada', score: 30, rank: 1 },
          { userId: 'bob', username: 'bob', score: 20, rank: 2 },
        ],
      },
    ]);
    moved('ada');
    await settle();
    expect(socket.frames).toHaveLength(1);
    scores.set('bob', 40);
    moved('bob');
    await settle();
    expect(shown(socket)[1]).toEqual([
      ['bob', 1],
      ['ada', 2],
    ]);
  });

  it('is not read for when others move, but its list is refreshed after a while', async () => {
    const socket = open();
    following.follow(socket.connection, 'weekly', ['ada']);
    await settle();
    scores.set('eve', 99);
    moved('eve');
    following.refresh();
    await settle();
    expect(reads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(FOLLOWED_STALE_MS);
    following.refresh();
    await settle();
    expect(shown(socket)).toEqual([[['ada', 1]], [['ada', 2]]]);
  });

  it('follows others instead, or nobody, and nobody after it has closed or left the board', async () => {
    const [first, second, third] = [open(), open(), open()];
    for (const { connection } of [first, second, third])
      following.follow(connection, 'weekly', ['ada', 'bob']);
    await settle();
    following.follow(first.connection, 'weekly', ['bob']);
    following.follow(second.connection, 'weekly', []);
    following.forget(third.connection);
    expect(following.total).toBe(1);
    scores.set('ada', 50);
    moved('ada');
    await settle();
    expect([first, second, third].map((socket) => socket.frames.length)).toEqual([2, 1, 1]);
    following.leave(first.connection, 'weekly');
    expect(following.total).toBe(0);
    // One whose board gave way to another.
    following.follow(second.connection, 'weekly', ['ada']);
    second.connection.channels = [];
    await settle();
    expect([second.frames.length, following.total]).toEqual([1, 0]);
  });

  it('gets the list later if rank does not answer, and if its buffer is full', async () => {
    const socket = open();
    isDown = true;
    following.follow(socket.connection, 'weekly', ['ada']);
    await settle();
    expect(socket.frames).toEqual([]);
    isDown = false;
    socket.buffered = 1e6;
    await settle();
    expect(socket.frames).toEqual([]);
    socket.buffered = 0;
    await vi.advanceTimersByTimeAsync(FOLLOWED_STALE_MS);
    following.refresh();
    await settle();
    expect(shown(socket)).toEqual([[['ada', 1]]]);
  });
});

describe('a socket whose player is on the board', () => {
  const by = ({ frames }: PlainSocket) =>
    frames
      .filter(({ event }) => event === 'score:overtaken')
      .map(({ rank, by: passers }) => [rank, (passers as { userId: string }[]).map(({ userId }) => userId)]);
  async function set(...moves: [userId: string, score: number][]): Promise<void> {
    for (const [userId, score] of moves) {
      scores.set(userId, score);
      moved(userId);
    }
    await settle();
  }

  it('is told which of those it follows passed the player, once, and not who was above from the start', async () => {
    const socket = open();
    socket.connection.identity = identityOf('me');
    scores = new Map(Object.entries({ ada: 30, me: 25, bob: 20, cy: 10, eve: 24 }));
    following.follow(socket.connection, 'weekly', ['ada', 'bob', 'cy', 'new']);
    await settle();
    await set(['bob', 21], ['ada', 31]);
    expect(by(socket)).toEqual([]);
    await set(['bob', 26]);
    await set(['bob', 27]);
    // A stranger is nobody's matter.
    await set(['eve', 28]);
    expect(by(socket)).toEqual([[3, ['bob']]]);
    await set(['cy', 40], ['new', 35]);
    expect(by(socket)).toEqual([
      [3, ['bob']],
      [6, ['cy', 'new']],
    ]);
    expect(socket.frames.at(-1)).toMatchObject({ leaderboardId: 'weekly', userId: 'me' });
    // Ahead again, and passed again.
    await set(['me', 50]);
    await set(['ada', 51]);
    expect(by(socket).at(-1)).toEqual([2, ['ada']]);
    expect(by(socket)).toHaveLength(3);
  });

  it('is told nothing while the player has no score, and only of passes after the first', async () => {
    const socket = open();
    socket.connection.identity = identityOf('me');
    following.follow(socket.connection, 'weekly', ['ada', 'me']);
    await settle();
    await set(['me', 5]);
    await set(['me', 31]);
    await set(['ada', 32]);
    expect(by(socket)).toEqual([[2, ['ada']]]);
  });

  it('may have a full list beside the player', async () => {
    const socket = open();
    socket.connection.identity = identityOf('me');
    following.follow(socket.connection, 'weekly', ids(FOLLOWED_PER_SOCKET));
    await settle();
    expect(reads.map(({ userIds }) => userIds.length)).toEqual([FOLLOWED_PER_SOCKET + 1]);
  });
});

describe('reads', () => {
  it('take the lists of several sockets together, each list whole', async () => {
    const lists = [ids(120), ids(150), [...ids(50, 'v'), ...ids(100)], ids(90, 'w')];
    const sockets = lists.map(() => open());
    for (const [at, list] of lists.entries()) {
      const { connection } = sockets[at] ?? open();
      following.follow(connection, 'weekly', list);
    }
    await settle();
    expect(reads.map(({ userIds }) => userIds.length)).toEqual([200, 90]);
    expect(new Set(reads.flatMap(({ userIds }) => userIds)).size).toBe(290);
  });

  it('are of one board each, and so many in a round', async () => {
    const sockets = Array.from({ length: 2 * FOLLOWED_READS_PER_ROUND }, () => open());
    for (const [at, { connection }] of sockets.entries()) {
      connection.channels = [new Channel(`board${at}`)];
      following.follow(connection, `board${at}`, ['ada']);
    }
    await vi.advanceTimersByTimeAsync(FOLLOWED_ROUND_MS / 2);
    expect(reads).toHaveLength(FOLLOWED_READS_PER_ROUND);
    await settle();
    expect(new Set(reads.map(({ leaderboard }) => leaderboard)).size).toBe(sockets.length);
  });
});

describe('the limits', () => {
  const refused = (connection: Connection, list: readonly string[], board = 'weekly') =>
    expect(() => following.follow(connection, board, list)).toThrow(
      expect.objectContaining({ reason: 'SUBSCRIPTION_LIMIT_REACHED' }),
    );

  it('are those of a socket, over all its boards', () => {
    const { connection } = open();
    following.follow(connection, 'weekly', ids(FOLLOWED_PER_SOCKET - 1));
    refused(connection, ids(2), 'monthly');
    following.follow(connection, 'monthly', ids(1));
    expect(following.total).toBe(FOLLOWED_PER_SOCKET);
    // In place of those before.
    following.follow(connection, 'weekly', ids(FOLLOWED_PER_SOCKET - 1, 'v'));
    refused(connection, ids(FOLLOWED_PER_SOCKET), 'weekly');
  });

  it('and those of the node', () => {
    for (let total = 0; total < FOLLOWED_PER_NODE; total += FOLLOWED_PER_SOCKET) {
      following.follow(open().connection, 'weekly', ids(FOLLOWED_PER_SOCKET));
    }
    const { connection } = open();
    refused(connection, ['ada']);
    following.follow(connection, 'weekly', []);
    expect(following.total).toBe(FOLLOWED_PER_NODE);
  });

  it('and those of an address, which end with its sockets', () => {
    const share = { address: 'a', sockets: 0, boards: new Map(), site: undefined };
    const sockets = Array.from({ length: FOLLOWED_PER_ADDRESS / FOLLOWED_PER_SOCKET }, () => open({ share }));
    for (const { connection } of sockets) following.follow(connection, 'weekly', ids(FOLLOWED_PER_SOCKET));
    const another = open({ share });
    refused(another.connection, ['ada']);
    following.follow(open({ share: { ...share, address: 'b' } }).connection, 'weekly', ['ada']);
    for (const { connection } of sockets) following.forget(connection);
    following.follow(another.connection, 'weekly', ['ada']);
    expect(following.total).toBe(2);
  });
});
