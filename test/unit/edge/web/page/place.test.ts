import { describe, expect, it } from 'vitest';
import { describeChase, newerPlace, rankFromJson } from '../../../../../edge/web/page/place.ts';

const entry = (username: string, score: number, rank: number) => ({
  userId: username,
  username,
  score,
  rank,
});
const chase = (score: number, rank: number | undefined, neighbours = [entry('Ada', 30, 1)]) =>
  describeChase({ score, rank }, neighbours, String);

describe('the newer of two places', () => {
  it('has the greater score, in whatever order they arrive', () => {
    const [early, late] = [
      { score: 10, rank: 3 },
      { score: 20, rank: 1 },
    ];
    expect(newerPlace(early, late)).toEqual(late);
    expect(newerPlace(late, early)).toBe(late);
    expect(newerPlace(undefined, early)).toBe(early);
  });

  it('takes a new rank for the same score', () => {
    expect(newerPlace({ score: 10, rank: 3 }, { score: 10, rank: 4 })).toEqual({ score: 10, rank: 4 });
  });

  it('keeps the known rank while the server does not know the new one', () => {
    const offered = { score: 20, rank: rankFromJson(0) };
    expect(newerPlace({ score: 10, rank: 3 }, offered)).toEqual({ score: 20, rank: 3 });
    expect(newerPlace(undefined, offered)).toEqual({ score: 20, rank: undefined });
  });
});

describe('the distance to the next player', () => {
  it('is said when that player is known', () => {
    expect(chase(10, 2)).toBe('20 behind Ada');
    expect(chase(30, 2)).toBe('Level with Ada');
    expect(chase(40, 1)).toBe('You lead the board.');
  });

  it('is said of the nearest one ahead while the own rank changes', () => {
    const around = [entry('Ada', 90, 12), entry('Kim', 70, 13), entry('Me', 60, 14), entry('Bob', 50, 15)];
    expect(chase(65, 14, around)).toBe('5 behind Kim');
    expect(chase(75, 13, around)).toBe('15 behind Ada');
    expect(chase(10, 3)).toBe('20 behind Ada');
  });

  it('is left out when that player, the rank or the order is unknown', () => {
    expect(chase(10, undefined)).toBe('');
    expect(chase(40, 2)).toBe('');
    expect(chase(10, 2, [])).toBe('');
  });
});
