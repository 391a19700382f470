import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Board, BoardEntry } from '../../../../../edge/web/client/frames.ts';
import {
  ANNOUNCE_EVERY_MS,
  Announcer,
  describeChange,
} from '../../../../../edge/web/element/announcements.ts';
import { ENGLISH, wordsFrom } from '../../../../../edge/web/element/words.ts';

/** Places from names, best first. */
function entries(...names: string[]): BoardEntry[] {
  return names.map((name, index) => ({
    userId: name.toLowerCase(),
    username: name,
    score: 1_000 - index,
    rank: index + 1,
  }));
}

const board = (...names: string[]): Board => ({
  leaderboardId: 'global',
  entries: entries(...names),
  epoch: 1,
  seq: 1,
  stale: false,
});

const speech = { words: ENGLISH, format: (score: number) => score.toLocaleString('en') };

describe('the sentence about a change', () => {
  const say = (before: BoardEntry[], after: BoardEntry[], highlight?: string) =>
    describeChange(before, after, highlight, speech);

  it('names a new leader with the score', () => {
    expect(say(entries('Ada', 'Linus'), entries('Linus', 'Ada'))).toBe('Linus is now first with 1,000');
    expect(say([], entries('Ada'))).toBe('Ada is now first with 1,000');
  });

  it('speaks of the listener before anybody else', () => {
    expect(say(entries('Ada', 'Linus', 'Kim'), entries('Linus', 'Kim', 'Ada'), 'kim')).toBe(
      'You are now second with 999',
    );
    expect(say(entries('Ada', 'B', 'C', 'D'), entries('D', 'Ada', 'B', 'C'), 'c')).toBe(
      'You are now number 4 with 997',
    );
    expect(say(entries('Ada', 'Kim'), entries('Ada', 'Linus'), 'kim')).toBe('You are no longer in the top 2');
  });

  it('has the words and the order of another language', () => {
    const words = wordsFrom({ placeOf: '{name} führt mit {score}: {place}', first: 'Erste' });
    const say = describeChange([], entries('Ada'), undefined, { words, format: String });
    expect(say).toBe('Ada führt mit 1000: Erste');
  });

  it('names who climbed onto the podium, and leaves the rest in peace', () => {
    expect(say(entries('A', 'B', 'C', 'D'), entries('A', 'D', 'B', 'C'))).toBe('D is now second with 999');
    expect(say(entries('A', 'B', 'C', 'D', 'E'), entries('A', 'B', 'C', 'E', 'D'))).toBeUndefined();
    expect(say(entries('A', 'B'), entries('A', 'B'))).toBeUndefined();
    expect(say(entries('A'), [])).toBeUndefined();
  });
});

describe('the announcer', () => {
  let said: string[];
  let announcer: Announcer;

  beforeEach(() => {
    vi.useFakeTimers();
    said = [];
    announcer = new Announcer(
      (sentence) => said.push(sentence),
      () => speech,
    );
  });

  afterEach(() => {
    announcer.restart();
    vi.useRealTimers();
  });

  it('does not announce the board that it starts with', () => {
    announcer.follow(board('Ada', 'Linus'), undefined);
    expect(said).toEqual([]);
  });

  it('says the first change at once and then at most one sentence per pause, about the newest board', () => {
    announcer.follow(board('Ada', 'Linus', 'Kim'), undefined);
    announcer.follow(board('Linus', 'Ada', 'Kim'), undefined);
    for (let turn = 0; turn < 50; turn += 1) announcer.follow(board('Ada', 'Linus', 'Kim'), undefined);
    announcer.follow(board('Kim', 'Ada', 'Linus'), undefined);
    expect(said).toEqual(['Linus is now first with 1,000']);
    vi.advanceTimersByTime(ANNOUNCE_EVERY_MS);
    expect(said).toEqual(['Linus is now first with 1,000', 'Kim is now first with 1,000']);
    vi.advanceTimersByTime(10 * ANNOUNCE_EVERY_MS);
    expect(said).toEqual(['Linus is now first with 1,000', 'Kim is now first with 1,000', '']);
  });

  it('says the own score again while it grows, and then removes the sentence', () => {
    const withOwn = (score: number): Board => ({
      ...board(),
      entries: [
        { userId: 'ada', username: 'Ada', score: 5_000, rank: 1 },
        { userId: 'kim', username: 'Kim', score, rank: 2 },
      ],
    });
    announcer.follow(board('Ada'), 'kim');
    announcer.follow(withOwn(718), 'kim');
    announcer.follow(withOwn(800), 'kim');
    announcer.follow(withOwn(884), 'kim');
    vi.advanceTimersByTime(ANNOUNCE_EVERY_MS);
    vi.advanceTimersByTime(ANNOUNCE_EVERY_MS);
    expect(said).toEqual(['You are now second with 718', 'You are now second with 884', '']);
  });

  it('says nothing about a change that was taken back before its turn', () => {
    announcer.follow(board('Ada', 'Linus'), undefined);
    announcer.follow(board('Linus', 'Ada'), undefined);
    announcer.follow(board('Ada', 'Linus'), undefined);
    announcer.follow(board('Linus', 'Ada'), undefined);
    vi.advanceTimersByTime(ANNOUNCE_EVERY_MS);
    expect(said).toEqual(['Linus is now first with 1,000', '']);
  });

  it('starts anew for another board', () => {
    announcer.follow(board('Ada', 'Linus'), undefined);
    announcer.restart();
    announcer.follow(board('Kim'), undefined);
    vi.advanceTimersByTime(ANNOUNCE_EVERY_MS);
    expect(said.filter((sentence) => sentence !== '')).toEqual([]);
  });
});
