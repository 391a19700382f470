import { beforeEach, describe, expect, test } from 'vitest';
import { CLOSE } from '../../../../../edge/fanout/frames/close-codes.ts';
import type { AddressShare } from '../../../../../edge/fanout/hub/address-share.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { createFanoutMetrics } from '../../../../../edge/fanout/metrics/fanout-metrics.ts';
import { MESSAGES_PER_ADDRESS, MESSAGES_PER_SOCKET } from '../../../../../edge/fanout/sockets/limits.ts';
import { Session } from '../../../../../edge/fanout/sockets/session.ts';
import { Sessions } from '../../../../../edge/fanout/sockets/sessions.ts';
import { identityOf } from '../hub/plain-socket.ts';

const PING = '{"type":"ping"}';

let nowMs: number;
let sessions: Sessions;
let share: AddressShare;
let joined: string[];
/** Boards that were to be read. */
let reads: string[];
/** Boards on which the standing of a socket's player was to be read. */
let standings: string[];
/** The board that the hub gives to a socket that joins; undefined for one that was closed meanwhile. */
let channel: Channel | undefined;
/** What each socket was sent, and last the code with which it was closed. */
let heard: Map<Session, (string | number)[]>;

/** What sockets asked to follow. */
let followed: unknown[][];

beforeEach(() => {
  nowMs = 1_000;
  share = { address: '192.0.2.1', sockets: 1, boards: new Map(), site: undefined };
  [joined, reads, standings, channel] = [[], [], [], undefined];
  heard = new Map();
  followed = [];
  const hub = {
    join(_: unknown, leaderboard: string) {
      joined.push(leaderboard);
      return channel;
    },
    ...{ leave: () => {}, forget: () => {}, onDropped: () => {}, onDrained: () => {} },
  };
  sessions = new Sessions({
    ...{
      hub,
      readBoard: ({ leaderboard }: Channel) => reads.push(leaderboard),
      readStanding: (_: Session, { leaderboard }: Channel) => standings.push(leaderboard),
      following: {
        follow: (_: Session, ...what: unknown[]) => void followed.push(what),
        ...{ leave: () => {}, forget: () => {} },
      },
      authentication: { begin: async () => {}, forget: () => {} },
    },
    ...{ admission: { release: () => {} }, metrics: createFanoutMetrics() },
    ...{ firstBoard: 'global', monotonicMs: () => nowMs },
  });
});

function open(): Session {
  const connection = new Session({ protocol: '', token: undefined, resume: undefined }, share);
  const told: (string | number)[] = [];
  heard.set(connection, told);
  sessions.onOpen(connection, {
    ...{ subscribe: () => true, unsubscribe: () => true, getBufferedAmount: () => 0 },
    send: (message) => told.push(String(message)),
    end(code) {
      told.push(code);
      sessions.onClose(connection, code);
    },
  });
  return connection;
}

/** Uses up the messages of the address; each socket sends what it may. */
function useUp(): Session[] {
  const talkers: Session[] = [];
  for (let said = 0; said < MESSAGES_PER_ADDRESS.burst; said += 1) {
    if (said % MESSAGES_PER_SOCKET.burst === 0) talkers.push(open());
    const talker = talkers.at(-1);
    if (talker !== undefined) sessions.onMessage(talker, PING);
  }
  return talkers;
}

describe('when all sockets of an address together have sent too much', () => {
  test('one that was quiet stays open: its pongs are ignored, and its messages are refused with their board', () => {
    const quiet = open();
    useUp();
    sessions.onControl(quiet);
    expect(heard.get(quiet)).toEqual([]);
    nowMs += 1;
    const other = open();
    useUp();
    joined = [];
    sessions.onMessage(other, '{"type":"subscribe","leaderboard":"weekly"}');
    expect(joined).toEqual([]);
    const [told = ''] = heard.get(other) ?? [];
    expect(JSON.parse(String(told))).toMatchObject({ reason: 'RATE_LIMITED', leaderboardId: 'weekly' });
    expect(sessions.open.has(other)).toBe(true);
  });

  test('those that send more are closed', () => {
    const [first] = useUp();
    if (first === undefined) throw new Error('no socket sent anything');
    sessions.onMessage(first, PING);
    expect(heard.get(first)?.at(-1)).toBe(CLOSE.TOO_MANY_MESSAGES.code);
    const quiet = open();
    sessions.onMessage(quiet, PING);
    sessions.onMessage(quiet, PING);
    expect(heard.get(quiet)?.at(-1)).toBe(CLOSE.TOO_MANY_MESSAGES.code);
  });
});

describe('a board that a socket joins', () => {
  test('is read if it is not known yet', () => {
    channel = new Channel('weekly');
    const session = open();
    sessions.onMessage(session, '{"type":"subscribe","leaderboard":"weekly"}');
    expect(joined).toEqual(['global', 'weekly']);
    expect(reads).toEqual(['weekly', 'weekly']);
  });

  test('brings the standing of a player who is signed in', () => {
    channel = new Channel('weekly');
    const session = open();
    expect(standings).toEqual([]);
    session.identity = identityOf('ann');
    sessions.onMessage(session, '{"type":"subscribe","leaderboard":"weekly"}');
    expect(standings).toEqual(['weekly']);
  });

  test('is not read if it is known, or if the socket was closed meanwhile', () => {
    open();
    channel = new Channel('weekly');
    channel.newest = { leaderboard: 'weekly', epoch: 1, seq: 1, entries: [], cause: undefined };
    open();
    expect(joined).toHaveLength(2);
    expect(reads).toEqual([]);
  });
});

test('players are followed for a socket with a player, or with a token whose verdict is on its way', () => {
  const session = open();
  const ask = { type: 'subscribe', leaderboard: 'weekly', players: ['ada', 'bob', 'ada'] };
  sessions.onMessage(session, JSON.stringify(ask));
  expect(JSON.parse(String(heard.get(session)?.at(-1)))).toMatchObject({ reason: 'TOKEN_REQUIRED' });
  expect(followed).toEqual([]);
  session.verifying = true;
  sessions.onMessage(session, JSON.stringify(ask));
  expect(followed).toEqual([['weekly', ['ada', 'bob']]]);
  // As long as ids may be.
  const many = Array.from({ length: 200 }, (_, at) => `${'u'.repeat(70)}${at}`);
  sessions.onMessage(session, JSON.stringify({ ...ask, players: many }));
  expect(followed[1]).toEqual(['weekly', many]);
  for (const players of [[...many, 'one more'], ['a b'], [1], 'ada']) {
    sessions.onMessage(session, JSON.stringify({ ...ask, players }));
    expect(JSON.parse(String(heard.get(session)?.at(-1)))).toMatchObject({ reason: 'MESSAGE_INVALID' });
  }
});
