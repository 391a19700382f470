import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Freshness } from '../../../../../edge/fanout/feed/freshness.ts';
import {
  FRESHNESS_CHECK_MS,
  POLL_FAST_MS,
  POLL_SLOW_MS,
  POLLS_IN_FLIGHT,
  STALE_AFTER_MS,
} from '../../../../../edge/fanout/feed/limits.ts';
import type { Entry } from '../../../../../edge/fanout/frames/board-state.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { createFanoutMetrics } from '../../../../../edge/fanout/metrics/fanout-metrics.ts';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';
import { isAfter } from '../../../../../services/shared/values/position.ts';

/** How long the rank service takes to answer. */
const ANSWER_MS = 5;
const BOARDS = ['global', 'weekly', 'monthly'];
let channels: Channel[];
let answersStale: Set<string>;
let reads: string[];
/** Whether the rank service leaves a read of this board unanswered. */
let hangs: (leaderboard: string) => boolean;
/** The board of the rank service, and the positions that polls brought to the hub. */
/** Whether the board has a position. */
let isPlaced: boolean;
let epoch: number;
let seq: number;
let entries: Entry[];
/** What the rank service says of the age of its boards. */
let confirmedMs: () => number | undefined;
let offered: number[];
let freshness: Freshness;

const staleBoards = () => channels.filter(({ stale }) => stale).map(({ leaderboard }) => leaderboard);

beforeEach(async () => {
  vi.useFakeTimers();
  channels = BOARDS.map((name) => new Channel(name));
  answersStale = new Set();
  reads = [];
  hangs = () => false;
  [isPlaced, epoch, seq, entries] = [true, 1, 1, []];
  offered = [];
  confirmedMs = () => undefined;
  freshness = new Freshness({
    hub: {
      channels: () => channels,
      sizesOf: (leaderboard) => channels.filter((channel) => channel.leaderboard === leaderboard),
      offerBoard(board) {
        const channel = channels.find(({ leaderboard }) => leaderboard === board.leaderboard);
        if (channel === undefined || !isAfter(board, channel.newest)) return false;
        channel.newest = board;
        if (board.leaderboard === 'global') offered.push(board.seq);
        return true;
      },
      setStale(channel, stale) {
        channel.stale = stale;
      },
      refuse() {},
    },
    source: {
      async read({ leaderboard }) {
        reads.push(leaderboard);
        await new Promise((resolve) => setTimeout(resolve, hangs(leaderboard) ? 60_000 : ANSWER_MS));
        const board = { leaderboard, epoch, seq, entries, cause: undefined };
        const stale = answersStale.has(leaderboard);
        return { board: isPlaced ? board : undefined, stale, confirmedMs: confirmedMs() };
      },
    },
    sentinel: 'global',
    log: createSilentLog(),
    metrics: createFanoutMetrics(createMetrics('fanout', { runtime: false })),
    monotonicMs: () => performance.now(),
  });
  freshness.start();
  freshness.onFeedOpened();
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS / 2);
  expect(staleBoards()).toEqual([]);
});

afterEach(() => {
  freshness.stop();
  vi.useRealTimers();
});

it('marks every board stale within one check while the rank service answers with stale boards, although the feed is healthy', async () => {
  for (const name of BOARDS) answersStale.add(name);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(staleBoards()).toEqual(BOARDS);
  answersStale.clear();
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(staleBoards()).toEqual([]);
});

it('does the other upkeep of the node with each check, until it stops', async () => {
  freshness.stop();
  const upkeep = vi.fn();
  freshness.start(upkeep);
  expect(upkeep).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(4 * FRESHNESS_CHECK_MS);
  expect(upkeep).toHaveBeenCalledTimes(4);
  freshness.stop();
  await vi.advanceTimersByTimeAsync(4 * FRESHNESS_CHECK_MS);
  expect(upkeep).toHaveBeenCalledTimes(4);
});

it('polls one board often, and the others slowly while the feed is healthy', async () => {
  reads = [];
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS);
  const readings = Object.groupBy(reads, (name) => name);
  expect(readings.global?.length).toBeGreaterThanOrEqual(POLL_SLOW_MS / FRESHNESS_CHECK_MS - 1);
  expect([readings.weekly?.length, readings.monthly?.length]).toEqual([1, 1]);
});

it('polls it half as often while the rank service says when Postgres confirmed it', async () => {
  confirmedMs = () => 500;
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + ANSWER_MS);
  reads = [];
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS);
  const polls = reads.filter((name) => name === 'global').length;
  expect(polls).toBeLessThanOrEqual(POLL_SLOW_MS / FRESHNESS_CHECK_MS / 2 + 1);
  expect(polls).toBeGreaterThanOrEqual(POLL_SLOW_MS / FRESHNESS_CHECK_MS / 2 - 1);
  expect(staleBoards()).toEqual([]);
});

it('marks every board stale within two seconds after Postgres last confirmed one, whenever rank says so', async () => {
  const lostAtMs = performance.now();
  confirmedMs = () => Math.max(1, performance.now() - lostAtMs);
  await vi.advanceTimersByTimeAsync(STALE_AFTER_MS - ANSWER_MS);
  expect(staleBoards()).toEqual([]);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + 2 * ANSWER_MS);
  expect(staleBoards()).toEqual(BOARDS);
  expect(freshness.sourceTrouble()).toBeUndefined();
  confirmedMs = () => 1;
  await vi.advanceTimersByTimeAsync(3 * FRESHNESS_CHECK_MS);
  expect(staleBoards()).toEqual([]);
});

it('marks only the board stale whose own poll is answered with a stale board', async () => {
  answersStale.add('weekly');
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS + FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(staleBoards()).toEqual(['weekly']);
});

it('marks every board stale while the rank service does not answer, since events have no boards then', async () => {
  hangs = () => true;
  expect(freshness.sourceTrouble()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(STALE_AFTER_MS + 2 * FRESHNESS_CHECK_MS);
  expect(staleBoards()).toEqual(['global', 'weekly', 'monthly']);
  expect(freshness.sourceTrouble()).toBe('it does not answer');
});

it('marks a board stale from an event that says it is behind until one that does not', async () => {
  freshness.onEvent('weekly', true);
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS + ANSWER_MS);
  expect(staleBoards()).toEqual(['weekly']);
  freshness.onEvent('weekly', false);
  expect(staleBoards()).toEqual([]);
});

it('leaves a newer board of a poll to a healthy feed, which knows its cause, until the next poll', async () => {
  expect(offered).toEqual([1]);
  seq = 2;
  await vi.advanceTimersByTimeAsync(ANSWER_MS);
  expect(offered).toEqual([1]);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
  expect(offered).toEqual([1, 2]);
});

it('drops a board of a poll that the feed has delivered meanwhile', async () => {
  seq = 2;
  await vi.advanceTimersByTimeAsync(ANSWER_MS);
  const [global] = channels;
  if (global?.newest !== undefined) global.newest = { ...global.newest, seq: 2 };
  seq = 3;
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
  expect(offered).toEqual([1]);
});

it('shows no board without a position: later ones may be older', async () => {
  [isPlaced, epoch, seq, entries] = [false, 2, 9, [{ userId: 'ada', username: 'ada', score: 1, rank: 1 }]];
  await vi.advanceTimersByTimeAsync(4 * FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(offered).toEqual([1]);
  [isPlaced, seq] = [true, 3];
  await vi.advanceTimersByTimeAsync(2 * FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(offered).toEqual([1, 3]);
});

describe('many boards', () => {
  const MANY = 40 * POLLS_IN_FLIGHT;
  beforeEach(() => {
    freshness.onFeedLost(performance.now());
    channels.push(...Array.from({ length: MANY }, (_, index) => new Channel(`made-up-${index}`)));
    channels.push(new Channel('real'));
    reads = [];
  });

  it('are read in order of waiting: each is read, however many were opened before it', async () => {
    await vi.advanceTimersByTimeAsync(POLL_FAST_MS + FRESHNESS_CHECK_MS);
    const added = channels.slice(BOARDS.length).map(({ leaderboard }) => leaderboard);
    expect(added.filter((leaderboard) => !reads.includes(leaderboard))).toEqual([]);
  });

  it('do not delay the sentinel', async () => {
    hangs = (leaderboard) => leaderboard !== 'global';
    await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
    reads = [];
    await vi.advanceTimersByTimeAsync(POLL_FAST_MS + FRESHNESS_CHECK_MS);
    expect(reads.filter((leaderboard) => leaderboard === 'global').length).toBeGreaterThanOrEqual(4);
  });

  it('are not read once their last viewer has left', async () => {
    const left = channels.filter(({ leaderboard }) => leaderboard.startsWith('made-up'));
    freshness.onFeedOpened();
    for (const channel of left) channel.isOpen = false;
    channels = channels.filter(({ isOpen }) => isOpen);
    reads = [];
    await vi.advanceTimersByTimeAsync(POLL_FAST_MS);
    expect(reads.filter((name) => name.startsWith('made-up'))).toEqual([]);
    expect(reads).toContain('real');
  });
});

it('reads a board of a size that events do not bring at the check after an event of it, and no other size', async () => {
  channels.push(new Channel('long', 100), new Channel('short', 3));
  // Between two of its regular polls.
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS / 2);
  const readsOf = (name: string) => reads.filter((read) => read === name).length;
  const [long, short] = [readsOf('long'), readsOf('short')];
  for (const name of ['long', 'short']) freshness.onEvent(name, false);
  // A second event before the check costs nothing more.
  freshness.onEvent('long', false);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + ANSWER_MS);
  expect([readsOf('long'), readsOf('short')]).toEqual([long + 1, short]);
  await vi.advanceTimersByTimeAsync(2 * FRESHNESS_CHECK_MS);
  expect(readsOf('long')).toBe(long + 1);
});

it('reads it again after an event that came while it was being read', async () => {
  channels.push(new Channel('long', 100));
  // Between two of its regular polls.
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS / 2);
  reads = [];
  freshness.onEvent('long', false);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
  freshness.onEvent('long', false);
  await vi.advanceTimersByTimeAsync(2 * FRESHNESS_CHECK_MS);
  expect(reads.filter((read) => read === 'long')).toHaveLength(2);
});
