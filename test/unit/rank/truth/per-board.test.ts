import { expect, test } from 'vitest';
import { createPerBoard } from '../../../../services/rank/truth/per-board.ts';

test('a board that is asked for all the time keeps its value, however many made-up ones are asked for once', () => {
  let made = 0;
  const of = createPerBoard((leaderboard) => {
    made += 1;
    return { leaderboard };
  });
  const kept = of('global');
  for (let index = 0; index < 10_000; index += 1) {
    of(`made-up-${index}`);
    if (index % 500 === 0) expect(of('global')).toBe(kept);
  }
  expect(made).toBe(10_001);
  of('made-up-9999');
  expect(made).toBe(10_001);
  of('made-up-0');
  expect(made).toBe(10_002);
});
