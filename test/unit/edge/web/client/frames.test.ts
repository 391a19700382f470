import { describe, expect, it } from 'vitest';
import { parseFrame } from '../../../../../edge/web/client/frames.ts';
import { boardFrame } from './board-frame.ts';

describe('a frame', () => {
  it('of a snapshot becomes a board', () => {
    expect(parseFrame(boardFrame({ epoch: 2, seq: 7 }))).toEqual({
      kind: 'board',
      board: {
        leaderboardId: 'global',
        entries: [{ userId: 'ada', username: 'Ada', score: 10, rank: 1 }],
        epoch: 2,
        seq: 7,
        stale: false,
      },
      standing: undefined,
      size: 10,
    });
  });

  it('of a newer node may say more, at every level, and of an older one less', () => {
    const entry = { userId: 'ada', username: 'Ada', score: 10, rank: 1 };
    const known = parseFrame(boardFrame());
    const said = boardFrame({ season: 4, leaderboard: [{ ...entry, country: 'NL' }] });
    expect(parseFrame(said)).toEqual(known);
    expect(parseFrame(boardFrame({ stale: undefined, leaderboardId: undefined }))).toEqual(known);
  });

  it('of a board update names who scored, which is not a standing of this player', () => {
    const frame = parseFrame(boardFrame({ event: 'score:update', userId: 'ada', newScore: 10 }));
    expect(frame).toMatchObject({ kind: 'board', standing: undefined });
  });

  it('of a personal update carries the standing, with a rank or without', () => {
    const personal = { event: 'score:update', userId: 'ada', newScore: 10, version: 3 };
    const standing = { userId: 'ada', score: 10, version: 3 };
    expect(parseFrame(boardFrame({ ...personal, rank: 41 }))).toMatchObject({
      standing: { ...standing, rank: 41 },
    });
    expect(parseFrame(boardFrame({ ...personal, rank: null }))).toMatchObject({
      standing: { ...standing, rank: null },
    });
  });

  it('may say only that freshness changed', () => {
    expect(parseFrame('{"event":"score:stale","leaderboardId":"weekly","stale":true}')).toEqual({
      kind: 'freshness',
      leaderboardId: 'weekly',
      stale: true,
      size: 10,
    });
    expect(parseFrame('{"event":"score:current","epoch":1,"seq":2,"stale":false}')).toMatchObject({
      kind: 'freshness',
      leaderboardId: 'global',
      stale: false,
    });
  });

  it('of an event that this client does not know is a sign of life', () => {
    expect(parseFrame('{"event":"pong","userId":null}')).toEqual({ kind: 'sign-of-life' });
    expect(parseFrame('{"event":"season:over"}')).toEqual({ kind: 'sign-of-life' });
  });

  it.each([
    'not json',
    '[]',
    'null',
    '{"event":5}',
    boardFrame({ seq: -1 }),
    boardFrame({ seq: 1.5 }),
    boardFrame({ epoch: '1' }),
    boardFrame({ leaderboard: {} }),
    boardFrame({ leaderboard: [{ userId: 'ada', username: 'Ada', score: '10', rank: 1 }] }),
    boardFrame({ leaderboard: [null] }),
  ])('of a wrong form is refused: %s', (text) => {
    expect(parseFrame(text)).toBeUndefined();
  });
});
