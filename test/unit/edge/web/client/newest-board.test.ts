import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Board, Standing } from '../../../../../edge/web/client/frames.ts';
import {
  isAfter,
  markFreshness,
  takeBoard,
  takeStanding,
} from '../../../../../edge/web/client/newest-board.ts';

const board = (epoch: number, seq: number, stale = false): Board => ({
  leaderboardId: 'global',
  entries: [],
  epoch,
  seq,
  stale,
});

describe('the newest board', () => {
  it('compares the epoch first, then seq', () => {
    expect(isAfter(board(2, 1), board(1, 900))).toBe(true);
    expect(isAfter(board(1, 2), board(1, 1))).toBe(true);
    expect(isAfter(board(1, 1), board(1, 1))).toBe(false);
    expect(isAfter(board(1, 900), board(2, 1))).toBe(false);
  });

  it('is the same whatever order, repetition and gaps its frames came in', () => {
    const position = fc.record({ epoch: fc.nat(3), seq: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(position, { minLength: 1 }), (positions) => {
        const frames = positions.map(({ epoch, seq }) => board(epoch, seq));
        const newest = frames.reduce((best, frame) => (isAfter(frame, best) ? frame : best));
        let kept: Board | undefined;
        for (const frame of frames) {
          const next = takeBoard(kept, frame);
          expect(kept !== undefined && isAfter(kept, next)).toBe(false);
          kept = next;
        }
        expect(kept).toMatchObject({ epoch: newest.epoch, seq: newest.seq });
      }),
    );
  });

  it('stays the very same object when a frame says nothing new', () => {
    const kept = board(1, 5);
    expect(takeBoard(kept, board(1, 5))).toBe(kept);
    expect(takeBoard(kept, board(1, 4))).toBe(kept);
    expect(markFreshness(kept, false)).toBe(kept);
  });

  it('believes its node about freshness, also in a frame that is not newer', () => {
    expect(takeBoard(board(1, 5), board(1, 3, true))).toEqual(board(1, 5, true));
    expect(takeBoard(board(1, 5, true), board(1, 5, false))).toEqual(board(1, 5, false));
  });
});

describe('the newest standing', () => {
  const standing = (version: number, rank: number, userId = 'ada', epoch = 1): Standing => ({
    userId,
    score: version * 10,
    rank,
    version,
    epoch,
  });

  it('never goes back to an older version', () => {
    const kept = standing(4, 2);
    expect(takeStanding(kept, standing(3, 9))).toBe(kept);
    expect(takeStanding(kept, standing(5, 1))).toEqual(standing(5, 1));
  });

  it('goes back to an older version under a new epoch, as after a restore of the data, and not under an older one', () => {
    const restored = standing(3, 9, 'ada', 2);
    expect(takeStanding(standing(4, 2), restored)).toBe(restored);
    expect(takeStanding(restored, standing(2, 9))).toBe(restored);
  });

  it('takes a new rank for the same version, because others move too', () => {
    expect(takeStanding(standing(4, 2), standing(4, 3))).toEqual(standing(4, 3));
  });

  it('starts anew for another player', () => {
    expect(takeStanding(standing(9, 1), standing(1, 50, 'grace'))).toEqual(standing(1, 50, 'grace'));
  });
});
