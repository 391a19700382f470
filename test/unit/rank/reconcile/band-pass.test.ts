import { expect, test } from 'vitest';
import { createBandPass } from '../../../../services/rank/reconcile/band-pass.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

/** A pass over boards of these sizes. Each scan that it makes is noted as board:players. */
function start(sizes: Readonly<Record<string, number>>) {
  const scans: string[] = [];
  const found = { full: false };
  const metrics = createMetrics('test', { runtime: false });
  const pass = createBandPass({
    compare: {
      suspects: async () => [],
      unknownBoards: async () => ({ cursor: '0', leaderboards: [] }),
    },
    contents: { inspect: async () => undefined },
    truth: {
      leaderboards: async () => Object.keys(sizes),
      async scan(leaderboard, after, limit): Promise<PlayerState[]> {
        const first = after === '' ? 0 : Number(after) + 1;
        const count = Math.min(limit, (sizes[leaderboard] ?? 0) - first);
        scans.push(`${leaderboard}:${count}`);
        return Array.from({ length: count }, (_, n) => ({
          ...{ leaderboard, userId: String(first + n), username: 'p', points: 1n, version: 1n, reached: 1n },
        }));
      },
      playerCount: async () => ({ players: 0, onBoard: 0 }),
    },
    repair: { removeUnknownPlayers: async () => {}, removeStrayPlaces: async () => {} },
    recent: { addSuspects: () => {}, isFull: () => found.full },
    compared: metrics.counter('compared', 'Players compared.', ['part']),
    ...{ log: createSilentLog(), metrics },
  });
  return { scans, found, step: () => pass.step(1n) };
}

const many = (count: number, size: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`b${n}`, size]));

test('a step compares ten small boards', async () => {
  const { scans, step } = start(many(25, 3));
  await step();
  expect(scans).toEqual(Array.from({ length: 10 }, (_, n) => `b${n}:3`));
  await step();
  await step();
  expect(scans).toHaveLength(25);
});

test('a step ends with the board that fills a band of players', async () => {
  const { scans, step } = start({ large: 4_500, small: 3, medium: 1_999, last: 1 });
  await step();
  await step();
  expect(scans).toEqual(['large:2000', 'large:2000']);
  await step();
  expect(scans.slice(2)).toEqual(['large:500', 'small:3', 'medium:1999']);
  await step();
  expect(scans.slice(5)).toEqual(['last:1']);
});

test('a step stops while there is no room for suspects', async () => {
  const { scans, found, step } = start(many(3, 1));
  found.full = true;
  await step();
  expect(scans).toEqual([]);
});
