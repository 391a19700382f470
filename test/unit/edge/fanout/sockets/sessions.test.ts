import { beforeEach, describe, expect, test } from 'vitest';
import { createFanoutMetrics } from '../../../../../edge/fanout/fanout-metrics.ts';
import type { Hub } from '../../../../../edge/fanout/hub/hub.ts';
import { MESSAGE_BURST, MESSAGES_PER_ADDRESS } from '../../../../../edge/fanout/limits.ts';
import type { AddressShare } from '../../../../../edge/fanout/sockets/admission.ts';
import { CLOSE } from '../../../../../edge/fanout/sockets/close-codes.ts';
import { Connection } from '../../../../../edge/fanout/sockets/connection.ts';
import { createSessions, type Sessions } from '../../../../../edge/fanout/sockets/sessions.ts';

const PING = '{"type":"ping"}';

let nowMs: number;
let sessions: Sessions;
let share: AddressShare;
let joined: string[];
/** What each socket was sent, and the code with which it was closed. */
let heard: Map<Connection, (string | number)[]>;

beforeEach(() => {
  nowMs = 1_000;
  share = { address: '192.0.2.1', sockets: 1, boards: new Map(), site: undefined };
  joined = [];
  heard = new Map();
  const hub: Pick<Hub, 'join' | 'forget'> = {
    join: (_, leaderboard) => void joined.push(leaderboard),
    forget: () => {},
  };
  sessions = createSessions({
    ...{ hub: hub as Hub, authentication: { forget: () => {} } as never, metrics: createFanoutMetrics() },
    ...{ admission: { release: () => {} } as never, firstBoard: 'global', monotonicMs: () => nowMs },
  });
});

function open(): Connection {
  const connection = new Connection({ protocol: '', token: undefined, resume: undefined }, share);
  const told: (string | number)[] = [];
  heard.set(connection, told);
  sessions.open(connection, {
    ...{ subscribe: () => true, unsubscribe: () => true, getBufferedAmount: () => 0 },
    send: (message) => told.push(String(message)),
    end(code) {
      told.push(code);
      sessions.onClose(connection, code);
    },
  });
  return connection;
}

/** Uses up what all sockets of the address may say, each socket saying what it may. */
function useUp(): Connection[] {
  const talkers: Connection[] = [];
  for (let said = 0; said < MESSAGES_PER_ADDRESS.burst; said += 1) {
    if (said % MESSAGE_BURST === 0) talkers.push(open());
    const talker = talkers.at(-1);
    if (talker !== undefined) sessions.onMessage(talker, PING);
  }
  return talkers;
}

describe('when all sockets of an address have said too much', () => {
  test('one that was quiet stays open: its pongs are no fault, and its messages are refused with their board', () => {
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
    expect(sessions.connections.has(other)).toBe(true);
  });

  test('those that go on are closed', () => {
    const [first] = useUp();
    if (first === undefined) throw new Error('nobody talked');
    sessions.onMessage(first, PING);
    expect(heard.get(first)?.at(-1)).toBe(CLOSE.TOO_MANY_MESSAGES.code);
    const quiet = open();
    sessions.onMessage(quiet, PING);
    sessions.onMessage(quiet, PING);
    expect(heard.get(quiet)?.at(-1)).toBe(CLOSE.TOO_MANY_MESSAGES.code);
  });
});
