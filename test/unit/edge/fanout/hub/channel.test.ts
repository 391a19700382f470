import { beforeEach, describe, expect, test } from 'vitest';
import { SIZES } from '../../../../../edge/fanout/frames/board-size.ts';
import type { Board } from '../../../../../edge/fanout/frames/board-state.ts';
import type { Frame } from '../../../../../edge/fanout/frames/frame.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';

const boardAt = (seq: number): Board => ({
  leaderboard: 'weekly',
  epoch: 7,
  seq,
  entries: [{ userId: 'ann', username: 'Ann', score: seq, rank: 1 }],
  cause: undefined,
});
const fieldsOf = (frame: Frame | undefined) => frame && JSON.parse(frame.text);

let channel: Channel;
beforeEach(() => {
  channel = new Channel('weekly');
});

function publish(board: Board, tick = 1): void {
  channel.newest = board;
  channel.promote(tick);
}

test('a new channel is open, stale and without a board', () => {
  expect(channel).toMatchObject({ leaderboard: 'weekly', isOpen: true, stale: true, publishedStale: true });
  expect([channel.newest, channel.published, channel.welcome(undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('its topics differ from those of other boards and between encodings', () => {
  const [text, binary] = [channel.topicOf({ isBinary: false }), channel.topicOf({ isBinary: true })];
  expect([text, binary]).toEqual([channel.textTopic, channel.binaryTopic]);
  const other = new Channel('monthly');
  expect(new Set([text, binary, other.textTopic, other.binaryTopic]).size).toBe(4);
  expect(text).toContain('weekly');
  expect(binary).toContain('weekly');
});

test('its topics differ between the sizes of a board', () => {
  const sizes = SIZES.map((size) => new Channel('weekly', size));
  expect(new Set(sizes.flatMap(({ textTopic, binaryTopic }) => [textTopic, binaryTopic])).size).toBe(8);
  expect(sizes.find(({ size }) => size === 10)?.textTopic).toBe(channel.textTopic);
});

describe('news', () => {
  const renamed = { ...boardAt(5), entries: [{ userId: 'ann', username: 'Anna', score: 5, rank: 1 }] };

  test.each(SIZES)('is a later board, and no earlier one; size %s', (size) => {
    const sized = new Channel('weekly', size);
    expect(sized.isNews(boardAt(5))).toBe(true);
    sized.newest = boardAt(5);
    expect([4, 5, 6].map((seq) => sized.isNews(boardAt(seq)))).toEqual([false, false, true]);
  });

  test.each(SIZES)('is another board at the same position only below the tenth place; size %s', (size) => {
    const sized = new Channel('weekly', size);
    sized.newest = boardAt(5);
    expect(sized.isNews(renamed)).toBe(size > 10);
    expect(sized.isNews({ ...renamed, seq: 4 })).toBe(false);
  });
});

test('the list of a socket that watches this board only has nothing else', () => {
  expect(channel.alone).toEqual([channel]);
});

describe('a promotion', () => {
  test('publishes the newest board and whether it is stale, and remembers the tick', () => {
    channel.stale = false;
    publish(boardAt(1), 5);
    expect(channel).toMatchObject({ published: boardAt(1), publishedTick: 5, publishedStale: false });
  });

  test('of the same board keeps its tick: only the freshness changed', () => {
    publish(boardAt(1), 5);
    channel.stale = false;
    channel.promote(6);
    expect(channel).toMatchObject({ publishedTick: 5, publishedStale: false });
  });

  test('of a newer board has its own tick', () => {
    publish(boardAt(1), 5);
    publish(boardAt(2), 6);
    expect(channel).toMatchObject({ published: boardAt(2), publishedTick: 6 });
  });
});

describe('the first frame for a socket', () => {
  beforeEach(() => publish(boardAt(3)));

  test('is a snapshot of the published board, not of a newer one', () => {
    channel.newest = boardAt(4);
    channel.stale = false;
    expect(fieldsOf(channel.welcome(undefined))).toEqual({
      event: 'score:snapshot',
      leaderboard: boardAt(3).entries,
      epoch: 7,
      seq: 3,
      leaderboardId: 'weekly',
      stale: true,
    });
  });

  test('is made once for all sockets until the next publication', () => {
    const first = channel.welcome(undefined);
    expect(channel.welcome(undefined)).toBe(first);
    channel.stale = false;
    channel.promote(2);
    expect(channel.welcome(undefined)).not.toBe(first);
    expect(fieldsOf(channel.welcome(undefined))).toMatchObject({ seq: 3, stale: false });
  });

  test('says only that the client is up to date if it resumes from the published position', () => {
    expect(fieldsOf(channel.welcome({ epoch: 7, seq: 3 }))).toEqual({
      event: 'score:current',
      leaderboardId: 'weekly',
      epoch: 7,
      seq: 3,
      stale: true,
    });
  });

  test.each([
    ['an older seq', { epoch: 7, seq: 2 }],
    ['a newer seq', { epoch: 7, seq: 4 }],
    ['another epoch', { epoch: 6, seq: 3 }],
  ])('is a snapshot if the client resumes from %s', (_, resume) => {
    expect(fieldsOf(channel.welcome(resume))).toMatchObject({ event: 'score:snapshot', seq: 3 });
  });
});
