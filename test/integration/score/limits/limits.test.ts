/** Limits of boards, through two real score services on one real Postgres. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubmitScoresResponse_Outcome } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { ranked } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  action,
  actions,
  adaOf,
  type LimitsWorld,
  startLimitsWorld,
  told,
} from '../../../support/worlds/score/limits-world.ts';

const MAX_SCORE = 2n ** 53n - 1n;
const call = { limitMs: 30_000 };

let world: LimitsWorld;

beforeAll(async () => {
  world = await startLimitsWorld();
});
afterAll(() => world?.stop());

const waitOf = (outcome: SubmitScoresResponse_Outcome | undefined) =>
  outcome?.result.case === 'refused' ? outcome.result.value.retryAfterMs : -1;

describe('a limit', () => {
  it('of points in one action allows exactly this many, and no more', async () => {
    const board = await world.boardWith({ maxPoints: 100n });
    expect(
      await world.submitted(board, adaOf(board), [action('a1', 100n), action('a2', 101n), action('a3', 7n)]),
    ).toEqual([100, 'POINTS_OVER_CAP', 107]);
  });

  it('of actions in a window refuses the next one, with the time until there is room', async () => {
    const board = await world.boardWith({ maxWindowActions: 5n, windowMs: 60_000n });
    const outcomes = await world.submit(board, adaOf(board), actions(7));
    expect(outcomes.map(told)).toEqual([1, 2, 3, 4, 5, 'WINDOW_ACTIONS_EXCEEDED', 'WINDOW_ACTIONS_EXCEEDED']);
    expect(waitOf(outcomes[6])).toBeGreaterThan(59_000);
    expect(waitOf(outcomes[6])).toBeLessThanOrEqual(66_000);
    expect(await world.submitted(board, `bob-${board}`, [action('b1')])).toEqual([1]);
  });

  it('that is full when the clock is set back passes in its own time, and not when the clock has caught up', async () => {
    const board = await world.boardWith({ maxWindowActions: 1n, windowMs: 1_000n });
    const player = adaOf(board);
    expect(await world.submitted(board, player, [action('a1')])).toEqual([1]);
    await world.sql`update player_windows set slice = slice + 1000000 where user_id = ${player}`;
    const [refused] = await world.submit(board, player, [action('a2')]);
    expect(waitOf(refused)).toBeGreaterThan(0);
    expect(waitOf(refused)).toBeLessThanOrEqual(1_100);
    await waitFor(async () => (await world.submitted(board, player, [action('a2')]))[0] === 2 || undefined);
  });

  it('of points in a window is exact to the point', async () => {
    const board = await world.boardWith({ maxWindowPoints: 10n, windowMs: 60_000n });
    const given = [4n, 7n, 6n, 1n, 0n, 11n].map((points, n) => action(`a${n}`, points));
    expect(await world.submitted(board, adaOf(board), given)).toEqual([
      4,
      'WINDOW_POINTS_EXCEEDED',
      10,
      'WINDOW_POINTS_EXCEEDED',
      10,
      // Waiting does not help.
      'POINTS_OVER_CAP',
    ]);
  });

  it('of time between actions says how long to wait, and allows the action after that', async () => {
    const board = await world.boardWith({ minIntervalMs: 400n });
    const startedMs = performance.now();
    const outcomes = await world.submit(board, adaOf(board), [action('a1'), action('a2')]);
    expect(outcomes.map(told)).toEqual([1, 'TOO_SOON']);
    expect(waitOf(outcomes[1])).toBeGreaterThan(0);
    expect(waitOf(outcomes[1])).toBeLessThanOrEqual(400);
    await waitFor(
      async () => (await world.submitted(board, adaOf(board), [action('a2')]))[0] === 2 || undefined,
    );
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(399);
  });

  it('of a kind applies to actions of this kind only, in addition to that of the board', async () => {
    const board = await world.boardWith({ maxWindowActions: 3n, windowMs: 60_000n });
    await world.setLimits(board, { kind: 'boss', maxPoints: 50n, minIntervalMs: 60_000n });
    const given = [
      action('boss_1', 50n),
      action('boss_2', 1n),
      action('coin_1', 60n),
      action('boss', 51n),
      action('coin_2', 60n),
      action('coin_3', 1n),
    ];
    expect(await world.submitted(board, adaOf(board), given)).toEqual([
      50,
      'TOO_SOON',
      110,
      'POINTS_OVER_CAP',
      170,
      'WINDOW_ACTIONS_EXCEEDED',
    ]);
  });

  it('applies to no other board, and keeps no window of one without limits', async () => {
    await world.boardWith({ maxPoints: 1n });
    expect(await world.submitted('free', 'ada', actions(50, 1_000_000n))).toHaveLength(50);
    expect(await world.sql`select 1 from player_windows where leaderboard = 'free'`).toHaveLength(0);
  });

  it('does not lift the limit of the total', async () => {
    const board = await world.boardWith({ maxWindowActions: 5n, windowMs: 60_000n });
    expect(
      await world.submitted(board, adaOf(board), [action('a1', MAX_SCORE), action('a2'), action('a3', 0n)]),
    ).toEqual([Number(MAX_SCORE), 'SCORE_LIMIT_REACHED', Number(MAX_SCORE)]);
  });
});

describe('two services together', () => {
  it('never accept more than the limits allow, whatever arrives at once', async () => {
    const board = await world.boardWith({ maxWindowActions: 10n, windowMs: 600_000n });
    await world.setLimits(board, { kind: 'boss', maxWindowPoints: 12n, windowMs: 600_000n });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        world.submitted(
          board,
          adaOf(board),
          [action(n % 2 === 0 ? `boss_${n}` : `coin_${n}`, 3n)],
          n % 3 === 0 ? 1 : 0,
        ),
      ),
    );
    expect(answers.flat().filter((answer) => typeof answer === 'number')).toHaveLength(10);
    const kept = await world.sql<{ action_id: string; version: bigint }[]>`
      select action_id, version from actions where leaderboard = ${board} and user_id = ${adaOf(board)} order by version`;
    expect(kept.map(({ version }) => Number(version))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(kept.filter((row) => row.action_id.startsWith('boss')).length).toBeLessThanOrEqual(4);
    expect(
      await world.sql`select points from scores where leaderboard = ${board} and user_id = ${adaOf(board)}`,
    ).toEqual([{ points: 30n }]);
  });

  it('count an action once when a hundred repeats arrive at once, and give all the same answer', async () => {
    const board = await world.boardWith({ maxWindowActions: 1n, windowMs: 600_000n });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => world.submitted(board, adaOf(board), [action('a1', 5n)], n % 2)),
    );
    expect(new Set(answers.flat())).toEqual(new Set([5]));
    expect(await world.submitted(board, adaOf(board), [action('a2')])).toEqual(['WINDOW_ACTIONS_EXCEEDED']);
  });

  it('count an action once that is submitted to a board with limits and to one without at once', async () => {
    const board = await world.boardWith({ maxWindowActions: 100n, windowMs: 600_000n });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        world.submitted(n % 2 ? board : 'open', 'eve', [action('x1', 5n)], n % 2),
      ),
    );
    expect(await world.sql`select 1 from actions where user_id = 'eve'`).toHaveLength(1);
    expect(new Set(answers.flat())).toEqual(new Set([5, 'ACTION_CONFLICT']));
  });

  it('apply a changed limit within a second, and a repeat keeps its first answer', async () => {
    const board = await world.boardWith({ maxPoints: 100n });
    expect(await world.submitted(board, adaOf(board), [action('a1', 100n)])).toEqual([100]);
    await world.setLimits(board, { maxPoints: 10n });
    for (const service of [0, 1]) {
      expect(
        await world.submitted(board, adaOf(board), [action(`b${service}`, 11n), action('a1', 100n)], service),
      ).toEqual(['POINTS_OVER_CAP', 100]);
    }
    expect(await world.submitted(board, adaOf(board), [action('a1', 99n)])).toEqual(['ACTION_CONFLICT']);
    await world.limitsAs('cli').setLimits({ limits: { leaderboard: board } }, call);
    expect(await world.submitted(board, adaOf(board), [action('a3', 1_000n)])).toEqual([1_100]);
  });
});

it('puts what a limit accepted on the board with its rank, in the index and delivered, like any other', async () => {
  const board = await world.boardWith({ maxPoints: 100n });
  const send = (userId: string, points: bigint) =>
    world
      .scoreAs('game')
      .submitScore({ submission: { leaderboard: board, userId, actionId: 'a1', points } }, call);
  const [ada, bob] = [adaOf(board), `bob-${board}`];
  await send(ada, 5n);
  expect(await ranked(() => send(bob, 7n))).toMatchObject({ newScore: 7n, rank: 1n, version: 1n });
  const top = await world.rankAs('game', 1).getTop({ leaderboard: board, limit: 2 }, call);
  expect(top.entries.map(({ userId, score }) => [userId, score])).toEqual([
    [bob, 7n],
    [ada, 5n],
  ]);
  await waitFor(async () => ((await world.sql`select 1 from outbox`).length === 0 ? true : undefined));
});

describe('the window', () => {
  it('never contains more than its limit, and has room again a tenth of its length late at most', async () => {
    const board = await world.boardWith({ maxWindowActions: 4n, maxWindowPoints: 9n, windowMs: 1_000n });
    let players = 0;
    const step = fc.record({
      gapMs: fc.integer({ min: 0, max: 400 }),
      points: fc.bigInt({ min: 0n, max: 4n }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        players += 1;
        const userId = `player-${players}`;
        const accepted: { atMs: number; points: bigint }[] = [];
        const within = (spanMs: number, atMs: number) => accepted.filter((each) => each.atMs > atMs - spanMs);
        const sumOf = (some: typeof accepted) => some.reduce((sum, { points }) => sum + points, 0n);
        let atMs = 1_800_000_000_000;
        for (const { gapMs, points } of steps) {
          atMs += gapMs;
          const [judged] = await world.sql<{ reason: string | null; wait: bigint | null }[]>`
            select (r).reason, (r).retry_after_ms as wait from (
              select refusal_of(l, find_window(l, ${userId}, ${atMs}::bigint), ${points}::bigint, ${atMs}::bigint) as r
              from leaderboard_limits l where leaderboard = ${board}) judged`;
          if (judged?.reason === null) {
            await world.sql`
              select count_in_window(find_window(l, ${userId}, ${atMs}::bigint), ${points}::bigint, ${atMs}::bigint)
              from leaderboard_limits l where leaderboard = ${board}`;
            accepted.push({ atMs, points });
            expect(within(1_000, atMs).length).toBeLessThanOrEqual(4);
            expect(sumOf(within(1_000, atMs))).toBeLessThanOrEqual(9n);
          } else {
            const lately = within(1_100, atMs);
            expect(lately.length + 1 > 4 || sumOf(lately) + points > 9n).toBe(true);
            expect(Number(judged?.wait)).toBeGreaterThan(0);
            expect(Number(judged?.wait)).toBeLessThanOrEqual(1_100);
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  it('keeps its contents when its length is changed', async () => {
    const board = await world.boardWith({ maxWindowActions: 3n, windowMs: 60_000n });
    expect(await world.submitted(board, adaOf(board), actions(2))).toEqual([1, 2]);
    await world
      .limitsAs('cli')
      .setLimits({ limits: { leaderboard: board, maxWindowActions: 3n, windowMs: 120_000n } }, call);
    expect(await world.submitted(board, adaOf(board), [action('b1'), action('b2')])).toEqual([
      3,
      'WINDOW_ACTIONS_EXCEEDED',
    ]);
  });
});
