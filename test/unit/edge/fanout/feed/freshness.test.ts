import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFanoutMetrics } from '../../../../../edge/fanout/fanout-metrics.ts';
import { createFreshness, type Freshness } from '../../../../../edge/fanout/feed/freshness.ts';
import { type Entry, isNewer } from '../../../../../edge/fanout/hub/board-state.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import {
  FRESHNESS_CHECK_MS,
  POLL_FAST_MS,
  POLL_SLOW_MS,
  POLLS_IN_FLIGHT,
  STALE_AFTER_MS,
} from '../../../../../edge/fanout/limits.ts';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';

/** What a score service takes to answer. */
const ANSWER_MS = 5;
const BOARDS = ['global', 'weekly', 'monthly'];
let channels: Channel[];
let answersStale: Set<string>;
let reads: string[];
/** Whether the service leaves a read of this board unanswered. */
let hangs: (leaderboard: string) => boolean;
let feedIsThere: boolean;
/** What the score service has, and what of it polls brought to the screens. */
let epoch: number;
let seq: number;
let entries: Entry[];
let offered: number[];
let freshness: Freshness;

const staleBoards = () => channels.filter(({ stale }) => stale).map(({ leaderboard }) => leaderboard);

beforeEach(async () => {
  vi.useFakeTimers();
  channels = BOARDS.map((name) => new Channel(name));
  answersStale = new Set();
  reads = [];
  hangs = () => false;
  feedIsThere = true;
  [epoch, seq, entries] = [1, 1, []];
  offered = [];
  freshness = createFreshness({
    hub: {
      channels: () => channels,
      find: (leaderboard) => channels.find((channel) => channel.leaderboard === leaderboard),
      offerBoard(board) {
        const channel = channels.find(({ leaderboard }) => leaderboard === board.leaderboard);
        if (channel === undefined || !isNewer(board, channel.newest)) return false;
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
      async read(leaderboard) {
        reads.push(leaderboard);
        await new Promise((resolve) => setTimeout(resolve, hangs(leaderboard) ? 60_000 : ANSWER_MS));
        const board = { leaderboard, epoch, seq, entries, cause: undefined };
        return { board, stale: answersStale.has(leaderboard) };
      },
    },
    feed: {
      get session() {
        return feedIsThere ? 1 : 0;
      },
      get healthy() {
        return feedIsThere;
      },
      vouchedAtMs: () => (feedIsThere ? performance.now() : -Infinity),
    },
    sentinel: 'global',
    log: createSilentLog(),
    metrics: createFanoutMetrics(createMetrics('fanout', { runtime: false })),
    monotonicMs: () => performance.now(),
  });
  freshness.check();
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS / 2);
  expect(staleBoards()).toEqual([]);
});

afterEach(() => {
  freshness.stop();
  vi.useRealTimers();
});

it('tells every board that the score service can vouch for none, within one check, although the feed is healthy', async () => {
  for (const name of BOARDS) answersStale.add(name);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(staleBoards()).toEqual(BOARDS);
  answersStale.clear();
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(staleBoards()).toEqual([]);
});

it('asks often about one board only: the others are polled as slowly as ever', async () => {
  reads = [];
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS);
  const readings = Object.groupBy(reads, (name) => name);
  expect(readings.global?.length).toBeGreaterThanOrEqual(POLL_SLOW_MS / FRESHNESS_CHECK_MS - 1);
  expect([readings.weekly?.length, readings.monthly?.length]).toEqual([1, 1]);
});

it('keeps what is wrong with one board from the others', async () => {
  answersStale.add('weekly');
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS + FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(staleBoards()).toEqual(['weekly']);
});

it('calls every board stale while the rank service does not answer: events come without boards then', async () => {
  hangs = () => true;
  expect(freshness.sourceTrouble()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(STALE_AFTER_MS + 2 * FRESHNESS_CHECK_MS);
  expect(staleBoards()).toEqual(['global', 'weekly', 'monthly']);
  expect(freshness.sourceTrouble()).toBe('it does not answer');
});

it('calls a board stale from an event that says it is behind until one that does not', async () => {
  freshness.onEvent('weekly', true);
  await vi.advanceTimersByTimeAsync(POLL_SLOW_MS + ANSWER_MS);
  expect(staleBoards()).toEqual(['weekly']);
  freshness.onEvent('weekly', false);
  expect(staleBoards()).toEqual([]);
});

it('leaves what a poll finds first to a healthy feed, which knows whose score it was, until the next poll', async () => {
  expect(offered).toEqual([1]);
  seq = 2;
  await vi.advanceTimersByTimeAsync(ANSWER_MS);
  expect(offered).toEqual([1]);
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
  expect(offered).toEqual([1, 2]);
});

it('brings nothing that the feed brought meanwhile', async () => {
  seq = 2;
  await vi.advanceTimersByTimeAsync(ANSWER_MS);
  const [global] = channels;
  if (global?.newest !== undefined) global.newest = { ...global.newest, seq: 2 };
  seq = 3;
  await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
  expect(offered).toEqual([1]);
});

it('shows no board that has no place in the order: later ones may be older', async () => {
  [epoch, seq, entries] = [2, 0, [{ userId: 'ada', username: 'ada', score: 1, rank: 1 }]];
  await vi.advanceTimersByTimeAsync(4 * FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(offered).toEqual([1]);
  seq = 3;
  await vi.advanceTimersByTimeAsync(2 * FRESHNESS_CHECK_MS + ANSWER_MS);
  expect(offered).toEqual([1, 3]);
});

describe('many boards', () => {
  const MANY = 40 * POLLS_IN_FLIGHT;
  beforeEach(() => {
    feedIsThere = false;
    channels.push(...Array.from({ length: MANY }, (_, index) => new Channel(`made-up-${index}`)));
    channels.push(new Channel('real'));
    reads = [];
  });

  it('wait for each other in turn: each is read, however many were opened before it', async () => {
    await vi.advanceTimersByTimeAsync(POLL_FAST_MS + FRESHNESS_CHECK_MS);
    const added = channels.slice(BOARDS.length).map(({ leaderboard }) => leaderboard);
    expect(added.filter((leaderboard) => !reads.includes(leaderboard))).toEqual([]);
  });

  it('do not delay the board that speaks for all', async () => {
    hangs = (leaderboard) => leaderboard !== 'global';
    await vi.advanceTimersByTimeAsync(FRESHNESS_CHECK_MS);
    reads = [];
    await vi.advanceTimersByTimeAsync(POLL_FAST_MS + FRESHNESS_CHECK_MS);
    expect(reads.filter((leaderboard) => leaderboard === 'global').length).toBeGreaterThanOrEqual(4);
  });

  it('are not read once their last viewer has left', async () => {
    const left = channels.filter(({ leaderboard }) => leaderboard.startsWith('made-up'));
    freshness.check();
    for (const channel of left) channel.isOpen = false;
    channels = channels.filter(({ isOpen }) => isOpen);
    reads = [];
    await vi.advanceTimersByTimeAsync(POLL_FAST_MS);
    expect(reads.filter((name) => name.startsWith('made-up'))).toEqual([]);
    expect(reads).toContain('real');
  });
});
