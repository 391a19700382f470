import { expect, it } from 'vitest';
import { createTruthRanks } from '../../../../services/rank/truth/truth-ranks.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

const player = (userId: string): PlayerState => ({
  ...{ leaderboard: 'global', userId, username: userId, points: 1n, version: 1n, reached: 1n },
});

const PATIENCE_MS = 60_000;
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

it('shares one count among all who ask while another is under way', async () => {
  const counts: { asked: string[]; answer: () => void }[] = [];
  const ranks = createTruthRanks({
    ranks: (_board, players) =>
      new Promise((resolve) => {
        const answer = () => resolve({ ranks: players.map((_, at) => at + 1), players: 9 });
        counts.push({ asked: players.map(({ userId }) => userId), answer });
      }),
  });
  const first = ranks.of('global', [player('ada')], PATIENCE_MS);
  await turn();
  const second = ranks.of('global', [player('bob')], PATIENCE_MS);
  const third = ranks.of('global', [player('cy'), player('dee')], PATIENCE_MS);
  await turn();
  expect(counts.map(({ asked }) => asked)).toEqual([['ada']]);
  counts[0]?.answer();
  expect(await first).toEqual([{ rank: 1, players: 9 }]);
  await turn();
  expect(counts.map(({ asked }) => asked)).toEqual([['ada'], ['bob', 'cy', 'dee']]);
  counts[1]?.answer();
  expect(await second).toEqual([{ rank: 1, players: 9 }]);
  expect(await third).toEqual([
    { rank: 2, players: 9 },
    { rank: 3, players: 9 },
  ]);
});

it('tells all who share a count that it failed', async () => {
  const ranks = createTruthRanks({ ranks: () => Promise.reject(new Error('away')) });
  const asked = [
    ranks.of('global', [player('ada')], PATIENCE_MS),
    ranks.of('global', [player('bob')], PATIENCE_MS),
  ];
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it('counts nothing for those who no longer wait when their turn comes', async () => {
  const counts: string[][] = [];
  let answer = () => {};
  const ranks = createTruthRanks({
    ranks: (_board, players) => {
      counts.push(players.map(({ userId }) => userId));
      return new Promise((resolve) => {
        answer = () => resolve({ ranks: players.map(() => 1), players: 1 });
      });
    },
  });
  const first = ranks.of('global', [player('ada')], PATIENCE_MS);
  await turn();
  const gone = ranks.of('global', [player('bob')], 0);
  const waiting = ranks.of('global', [player('cy')], PATIENCE_MS);
  answer();
  await first;
  await expect(gone).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  await turn();
  answer();
  await waiting;
  expect(counts).toEqual([['ada'], ['cy']]);
});
