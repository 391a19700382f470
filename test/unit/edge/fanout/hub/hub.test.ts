import { expect, test } from 'vitest';
import { createFanoutMetrics } from '../../../../../edge/fanout/fanout-metrics.ts';
import { createHub } from '../../../../../edge/fanout/hub/hub.ts';
import { createPersonal } from '../../../../../edge/fanout/hub/personal.ts';
import {
  BOARDS_PER_ADDRESS,
  BOARDS_PER_SOCKET,
  DIRECT_SEND_MAX_BUFFERED_BYTES,
} from '../../../../../edge/fanout/limits.ts';
import type { AddressShare } from '../../../../../edge/fanout/sockets/admission.ts';
import { Connection } from '../../../../../edge/fanout/sockets/connection.ts';

const hub = createHub({
  ...{
    permanent: ['global'],
    tickMs: 50,
    slowConsumerMs: 10_000,
    publish: () => 0,
    personal: createPersonal(),
  },
  ...{ onOpened: () => {}, metrics: createFanoutMetrics(), monotonicMs: () => 1_000, now: () => 1_000 },
});
const share: AddressShare = { address: '192.0.2.1', sockets: 11, boards: new Map(), site: undefined };

function open(buffered = 0): Connection {
  const connection = new Connection({ protocol: '', token: undefined, resume: undefined }, share);
  connection.socket = {
    ...{ send: () => 1, subscribe: () => true, unsubscribe: () => true, getBufferedAmount: () => buffered },
    end() {
      connection.socket = undefined;
      hub.forget(connection);
    },
  };
  return connection;
}

test('a socket that is closed while room is made for the board that it asks for watches nothing', () => {
  const stuck = open(DIRECT_SEND_MAX_BUFFERED_BYTES + 1);
  hub.join(stuck, 'first');
  let others = open();
  for (let number = 1; number < BOARDS_PER_ADDRESS; number += 1) {
    if (others.channels.length === BOARDS_PER_SOCKET) others = open();
    hub.join(others, `b-${number}`);
  }
  hub.offerBoard({ leaderboard: 'first', epoch: 1, seq: 1, entries: [], cause: undefined });
  hub.join(stuck, 'one-more');
  expect([stuck.socket, stuck.channels]).toEqual([undefined, []]);
  expect([hub.find('first'), hub.find('one-more')]).toEqual([undefined, undefined]);
  expect(share.boards.size).toBe(BOARDS_PER_ADDRESS - 1);
  hub.stop();
});
