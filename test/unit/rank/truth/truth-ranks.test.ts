import { expect, it } from 'vitest';
import { createTruthRanks } from '../../../../services/rank/truth/truth-ranks.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

const player = (userId: string): PlayerState => ({
  ...{ leaderboard: 'global', userId, username: userId, points: 1n, version: 1n, reached: 1n },
});

const PATIENT = Deadline.never;
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

it('callers that arrive during a count share the next one', async () => {
  const counts: { asked: string[]; answer: () => void }[] = [];
  const ranks = createTruthRanks({
    ranks: (_board, players) =>
      new Promise((resolve) => {
        const answer = () => resolve({ ranks: players.map((_, at) => at + 1), players: 9 });
        counts.push({ asked: players.map(({ userId }) => userId), answer });
      }),
  });
  const first = ranks.of('global', [player('ada')], PATIENT);
  await turn();
  const second = ranks.of('global', [player('bob')], PATIENT);
  const third = ranks.of('global', [player('cy'), player('dee')], PATIENT);
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

it('a count that fails fails for all who share it', async () => {
  const ranks = createTruthRanks({ ranks: () => Promise.reject(new Error('away')) });
  const asked = [ranks.of('global', [player('ada')], PATIENT), ranks.of('global', [player('bob')], PATIENT)];
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it('does not count for callers whose deadline has passed', async () => {
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
  const first = ranks.of('global', [player('ada')], PATIENT);
  await turn();
  const gone = ranks.of('global', [player('bob')], Deadline.after(0));
  const waiting = ranks.of('global', [player('cy')], PATIENT);
  answer();
  await first;
  await expect(gone).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  await turn();
  answer();
  await waiting;
  expect(counts).toEqual([['ada'], ['cy']]);
});
