import { beforeEach, describe, expect, test } from 'vitest';
import type { Board } from '../../../../../edge/fanout/frames/board-state.ts';
import type { AddressShare, Holding } from '../../../../../edge/fanout/hub/address-share.ts';
import { Boards } from '../../../../../edge/fanout/hub/boards.ts';
import type { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { Connection } from '../../../../../edge/fanout/hub/connection.ts';
import {
  BOARD_OPENINGS_PER_ADDRESS,
  BOARDS_PER_ADDRESS,
  BOARDS_PER_NODE,
} from '../../../../../edge/fanout/hub/limits.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';

let nowMs: number;
let boards: Boards;
let gaveWay: string[];

beforeEach(() => {
  nowMs = 1_000;
  gaveWay = [];
  boards = new Boards({
    permanent: ['global'],
    onGivesWay(channel, viewers) {
      gaveWay.push(channel.leaderboard);
      for (const viewer of [...viewers]) boards.leave(channel, viewer);
    },
    monotonicMs: () => nowMs,
  });
});

const shareOf = (address: string, site?: Holding): AddressShare => ({
  ...{ address, sockets: 1, boards: new Map(), site },
});
const socketOf = (share?: AddressShare) => new Connection({ isBinary: false, share });

function watch(leaderboard: string, connection: Connection): Channel {
  const channel = boards.open(leaderboard, connection.share);
  boards.enter(channel, connection);
  return channel;
}

const viewersOf = (leaderboard: string): Connection[] => {
  const channel = boards.find(leaderboard);
  return channel === undefined ? [] : [...boards.viewersOf(channel)];
};

test('a board in another size is watched, and counts, by itself', () => {
  const share = shareOf('a');
  const channels = ([10, 3, 100] as const).map((size) => boards.open('weekly', share, size));
  for (const channel of channels) boards.enter(channel, socketOf(share));
  expect(boards.size).toBe(4);
  expect(share.boards.size).toBe(3);
  expect(boards.find('weekly', 3)).toBe(channels[1]);
  expect(boards.find('weekly', 50)).toBeUndefined();
  // The default board is free in its default size alone.
  boards.enter(boards.open('global', share, 3), socketOf(share));
  expect(share.boards.size).toBe(4);
  for (const channel of channels)
    for (const viewer of [...boards.viewersOf(channel)]) boards.leave(channel, viewer);
  expect([boards.size, share.boards.size]).toEqual([2, 1]);
});

/** As a board that was read. */
function read(channel: Channel, entries: Board['entries']): Channel {
  channel.newest = { leaderboard: channel.leaderboard, epoch: 1, seq: 1, entries, cause: undefined };
  return channel;
}

function refusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
}

/** Opens boards until the node has all it takes, each read and found with these entries. */
function fill(entries: Board['entries']): void {
  for (let number = 1; number < BOARDS_PER_NODE; number += 1)
    read(watch(`filled-${number}`, socketOf()), entries);
}
const SCORED = [{ userId: 'ann', username: 'Ann', score: 1, rank: 1 }];

describe('the boards of one address', () => {
  test('are a tenth of those of a node, without the default board, however many sockets it has', () => {
    const share = shareOf('192.0.2.1');
    watch('global', socketOf(share));
    for (let number = 0; number < BOARDS_PER_ADDRESS; number += 1)
      watch(`made-up-${number}`, socketOf(share));
    expect(refusal(() => watch('one-more', socketOf(share)))).toBe('SUBSCRIPTION_LIMIT_REACHED');
    expect(refusal(() => watch('made-up-0', socketOf(share)))).toBeUndefined();
    expect(refusal(() => watch('one-more', socketOf(shareOf('192.0.2.2'))))).toBeUndefined();
    // Also when others watch it already.
    expect(refusal(() => watch('one-more', socketOf(share)))).toBe('SUBSCRIPTION_LIMIT_REACHED');
  });

  test('give way to a requested one if they have no scores, for the sockets of this address only', () => {
    const [share, other] = [shareOf('192.0.2.1'), shareOf('192.0.2.2')];
    for (let number = 0; number < BOARDS_PER_ADDRESS; number += 1) {
      read(watch(`b-${number}`, socketOf(share)), number === 3 || number === 5 ? [] : SCORED);
    }
    watch('b-3', socketOf(other));
    watch('b-5', socketOf(other));
    watch('b-5', socketOf(other));
    expect(refusal(() => watch('weekly', socketOf(share)))).toBeUndefined();
    expect(gaveWay).toEqual(['b-3']);
    expect([...share.boards.keys()].filter((board) => ['b-3', 'weekly'].includes(board))).toEqual(['weekly']);
    expect(viewersOf('b-3')).toHaveLength(1);
    // Also for one that others watch already. After that all its boards have scores.
    watch('monthly', socketOf(other));
    expect(refusal(() => watch('monthly', socketOf(share)))).toBeUndefined();
    expect(gaveWay).toEqual(['b-3', 'b-5']);
    expect(refusal(() => watch('yearly', socketOf(share)))).toBe('SUBSCRIPTION_LIMIT_REACHED');
  });

  test('are those of four addresses for an IPv6 site', () => {
    const site = { sockets: 1, boards: new Map() };
    const networks = Array.from({ length: 6 }, (_, network) => shareOf(`2001:db8:0:${network}`, site));
    const outcomes = networks.flatMap((share, network) =>
      Array.from({ length: BOARDS_PER_ADDRESS }, (_, number) =>
        refusal(() => watch(`b-${network}-${number}`, socketOf(share))),
      ),
    );
    expect(outcomes.filter((reason) => reason === undefined)).toHaveLength(4 * BOARDS_PER_ADDRESS);
    expect(site.boards.size).toBe(4 * BOARDS_PER_ADDRESS);
    expect(refusal(() => watch('weekly', socketOf(shareOf('2001:db8:1:0'))))).toBeUndefined();
    const channel = boards.find('b-0-0');
    for (const viewer of viewersOf('b-0-0')) if (channel !== undefined) boards.leave(channel, viewer);
    expect(refusal(() => watch('weekly', socketOf(networks[5])))).toBeUndefined();
  });

  test('count until the last of its sockets has left', () => {
    const share = shareOf('192.0.2.1');
    const [first, second] = [socketOf(share), socketOf(share)];
    const channel = watch('weekly', first);
    watch('weekly', second);
    expect(boards.leave(channel, first)).toBe(false);
    expect(share.boards.get('weekly')).toBe(1);
    expect(boards.leave(channel, second)).toBe(true);
    expect(share.boards.size).toBe(0);
    expect([channel.isOpen, boards.find('weekly')]).toEqual([false, undefined]);
  });

  test('are opened at a limited rate, so that leaving and rejoining makes no flood of reads', () => {
    const share = shareOf('192.0.2.1');
    const socket = socketOf(share);
    const reopen = () => refusal(() => boards.leave(watch('weekly', socket), socket));
    const { burst, perSecond } = BOARD_OPENINGS_PER_ADDRESS;
    const outcomes = Array.from({ length: burst + 10 }, reopen);
    expect(outcomes.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(10);
    expect(refusal(() => watch('weekly', socketOf(shareOf('192.0.2.2'))))).toBeUndefined();
    // A board that the node watches already costs no read.
    expect(refusal(() => watch('weekly', socket))).toBeUndefined();
    nowMs += 1_000 / perSecond;
    expect(refusal(() => watch('monthly', socket))).toBeUndefined();
  });

  test('are not counted for an address that is exempt', () => {
    for (let number = 0; number <= BOARD_OPENINGS_PER_ADDRESS.burst; number += 1)
      watch(`b-${number}`, socketOf());
    expect([...boards.all()]).toHaveLength(BOARD_OPENINGS_PER_ADDRESS.burst + 2);
  });
});

describe('a node at its limit of boards', () => {
  test('gives up the board without scores that has the fewest viewers', () => {
    fill([]);
    for (const channel of boards.all())
      if (channel.leaderboard !== 'filled-7') boards.enter(channel, socketOf());
    expect(refusal(() => watch('weekly', socketOf()))).toBeUndefined();
    expect(gaveWay).toEqual(['filled-7']);
    expect([...boards.all()]).toHaveLength(BOARDS_PER_NODE);
  });

  test('gives up no board that has scores or is not known yet, and never the default one', () => {
    fill(SCORED);
    const [unknown] = [...boards.all()].slice(-1);
    if (unknown !== undefined) unknown.newest = undefined;
    expect(refusal(() => watch('weekly', socketOf()))).toBe('SUBSCRIPTION_LIMIT_REACHED');
    expect(refusal(() => watch('filled-1', socketOf()))).toBeUndefined();
    expect(gaveWay).toEqual([]);
  });
});
