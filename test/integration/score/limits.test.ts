/** What players may do on a board, through two real score services on one real Postgres. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubmitScoresResponse_Outcome } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { quarantineName } from '../../../services/score/limits/limits-store.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/score-world.ts';
import { waitFor } from '../../support/wait-for.ts';

const MAX_SCORE = 2n ** 53n - 1n;
const call = { deadlineMs: 2_000 };

let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({ scoreServices: 2, rankServices: 2 });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 2,
    applicationName: 'test',
    statementTimeoutMs: 10_000,
  });
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

interface Action {
  readonly actionId: string;
  readonly points: bigint;
}

/** Actions of one player in one call, vouched for by the game server, as reasons or scores. */
async function submit(leaderboard: string, userId: string, actions: readonly Action[], service = 0) {
  const submissions = actions.map((action) => ({ ...action, leaderboard, userId }));
  const { outcomes } = await world.scoreAs('game', service).submitScores({ submissions }, call);
  return outcomes;
}

const told = ({ result }: SubmitScoresResponse_Outcome) =>
  result.case === 'refused' ? result.value.reason : Number(result.value?.newScore);
const waitOf = (outcome: SubmitScoresResponse_Outcome | undefined) =>
  outcome?.result.case === 'refused' ? outcome.result.value.retryAfterMs : -1;
const submitted = async (...args: Parameters<typeof submit>) => (await submit(...args)).map(told);
const action = (actionId: string, points = 1n): Action => ({ actionId, points });
const actions = (count: number, points = 1n) =>
  Array.from({ length: count }, (_, n) => action(`a${n}`, points));

/** A player for each board, since an action id counts once for a player, whatever the board. */
const adaOf = (board: string) => `ada-${board}`;

let boards = 0;

/** A board of its own with these limits, which both services know of. */
async function boardWith(limits: Record<string, bigint | string>): Promise<string> {
  boards += 1;
  const leaderboard = `board-${boards}`;
  await setLimits(leaderboard, limits);
  return leaderboard;
}

/** Resolves when both services judge the board's actions: nothing of a board that nobody judges is kept in a window. */
async function setLimits(leaderboard: string, limits: Record<string, bigint | string>) {
  await world.limitsAs('cli').setLimits({ limits: { leaderboard, ...limits } }, call);
  for (const service of [0, 1]) {
    await waitFor(
      async () => {
        const probe = `probe-${service}-${crypto.randomUUID()}`;
        await submit(leaderboard, probe, [action('p_1', 0n)], service);
        const [row] = await sql`select 1 from player_windows where user_id = ${probe}`;
        return row;
      },
      { limitMs: 1_000, describe: 'a service that knows the limits' },
    );
  }
}

describe('a limit', () => {
  it('of points in one action lets the last allowed through, and nothing above it', async () => {
    const board = await boardWith({ maxPoints: 100n });
    expect(
      await submitted(board, adaOf(board), [action('a1', 100n), action('a2', 101n), action('a3', 7n)]),
    ).toEqual([100, 'POINTS_OVER_CAP', 107]);
  });

  it('of actions in a window refuses the next one, and says when there is room', async () => {
    const board = await boardWith({ maxWindowActions: 5n, windowMs: 60_000n });
    const outcomes = await submit(board, adaOf(board), actions(7));
    expect(outcomes.map(told)).toEqual([1, 2, 3, 4, 5, 'WINDOW_ACTIONS_EXCEEDED', 'WINDOW_ACTIONS_EXCEEDED']);
    expect(waitOf(outcomes[6])).toBeGreaterThan(59_000);
    expect(waitOf(outcomes[6])).toBeLessThanOrEqual(66_000);
    expect(await submitted(board, `bob-${board}`, [action('b1')])).toEqual([1]);
  });

  it('of points in a window counts to the last point', async () => {
    const board = await boardWith({ maxWindowPoints: 10n, windowMs: 60_000n });
    const given = [4n, 7n, 6n, 1n, 0n, 11n].map((points, n) => action(`a${n}`, points));
    expect(await submitted(board, adaOf(board), given)).toEqual([
      4,
      'WINDOW_POINTS_EXCEEDED',
      10,
      'WINDOW_POINTS_EXCEEDED',
      10,
      // Waiting does not help.
      'POINTS_OVER_CAP',
    ]);
  });

  it('of time between actions says how long to wait, and lets through who waited', async () => {
    const board = await boardWith({ minIntervalMs: 400n });
    const startedMs = performance.now();
    const outcomes = await submit(board, adaOf(board), [action('a1'), action('a2')]);
    expect(outcomes.map(told)).toEqual([1, 'TOO_SOON']);
    expect(waitOf(outcomes[1])).toBeGreaterThan(0);
    expect(waitOf(outcomes[1])).toBeLessThanOrEqual(400);
    await waitFor(async () => (await submitted(board, adaOf(board), [action('a2')]))[0] === 2 || undefined);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(399);
  });

  it('of a kind concerns the actions of this kind alone, beside that of the whole board', async () => {
    const board = await boardWith({ maxWindowActions: 3n, windowMs: 60_000n });
    await setLimits(board, { kind: 'boss', maxPoints: 50n, minIntervalMs: 60_000n });
    const given = [
      action('boss_1', 50n),
      action('boss_2', 1n),
      action('coin_1', 60n),
      action('boss', 51n),
      action('coin_2', 60n),
      action('coin_3', 1n),
    ];
    expect(await submitted(board, adaOf(board), given)).toEqual([
      50,
      'TOO_SOON',
      110,
      'POINTS_OVER_CAP',
      170,
      'WINDOW_ACTIONS_EXCEEDED',
    ]);
  });

  it('concerns no other board, and keeps nothing of one without limits', async () => {
    await boardWith({ maxPoints: 1n });
    expect(await submitted('free', 'ada', actions(50, 1_000_000n))).toHaveLength(50);
    expect(await sql`select 1 from player_windows where leaderboard = 'free'`).toHaveLength(0);
  });

  it('does not lift the limit of the total', async () => {
    const board = await boardWith({ maxWindowActions: 5n, windowMs: 60_000n });
    expect(
      await submitted(board, adaOf(board), [action('a1', MAX_SCORE), action('a2'), action('a3', 0n)]),
    ).toEqual([Number(MAX_SCORE), 'SCORE_LIMIT_REACHED', Number(MAX_SCORE)]);
  });
});

describe('two services together', () => {
  it('never let more through than the limits, whatever comes at once', async () => {
    const board = await boardWith({ maxWindowActions: 10n, windowMs: 600_000n });
    await setLimits(board, { kind: 'boss', maxWindowPoints: 12n, windowMs: 600_000n });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        submitted(
          board,
          adaOf(board),
          [action(n % 2 === 0 ? `boss_${n}` : `coin_${n}`, 3n)],
          n % 3 === 0 ? 1 : 0,
        ),
      ),
    );
    expect(answers.flat().filter((answer) => typeof answer === 'number')).toHaveLength(10);
    const kept = await sql<{ action_id: string; version: bigint }[]>`
      select action_id, version from actions where leaderboard = ${board} and user_id = ${adaOf(board)} order by version`;
    expect(kept.map(({ version }) => Number(version))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(kept.filter((row) => row.action_id.startsWith('boss')).length).toBeLessThanOrEqual(4);
    expect(
      await sql`select points from scores where leaderboard = ${board} and user_id = ${adaOf(board)}`,
    ).toEqual([{ points: 30n }]);
  });

  it('count an action once when a hundred repeats arrive at once, and answer all of them alike', async () => {
    const board = await boardWith({ maxWindowActions: 1n, windowMs: 600_000n });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => submitted(board, adaOf(board), [action('a1', 5n)], n % 2)),
    );
    expect(new Set(answers.flat())).toEqual(new Set([5]));
    expect(await submitted(board, adaOf(board), [action('a2')])).toEqual(['WINDOW_ACTIONS_EXCEEDED']);
  });

  it('count an action once that comes to a board with limits and to one without at once', async () => {
    const board = await boardWith({ maxWindowActions: 100n, windowMs: 600_000n });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        submitted(n % 2 ? board : 'open', 'eve', [action('x1', 5n)], n % 2),
      ),
    );
    expect(await sql`select 1 from actions where user_id = 'eve'`).toHaveLength(1);
    expect(new Set(answers.flat())).toEqual(new Set([5, 'ACTION_CONFLICT']));
  });

  it('take a changed limit up while they run, and a repeat keeps its first answer', async () => {
    const board = await boardWith({ maxPoints: 100n });
    expect(await submitted(board, adaOf(board), [action('a1', 100n)])).toEqual([100]);
    await setLimits(board, { maxPoints: 10n });
    for (const service of [0, 1]) {
      expect(
        await submitted(board, adaOf(board), [action(`b${service}`, 11n), action('a1', 100n)], service),
      ).toEqual(['POINTS_OVER_CAP', 100]);
    }
    expect(await submitted(board, adaOf(board), [action('a1', 99n)])).toEqual(['ACTION_CONFLICT']);
    await world.limitsAs('cli').setLimits({ limits: { leaderboard: board } }, call);
    expect(await submitted(board, adaOf(board), [action('a3', 1_000n)])).toEqual([1_100]);
  });
});

describe('what a limit accepted', () => {
  it('is on the board with its rank, in the index and delivered, like any other', async () => {
    const board = await boardWith({ maxPoints: 100n });
    const send = (userId: string, points: bigint) =>
      world
        .scoreAs('game')
        .submitScore({ submission: { leaderboard: board, userId, actionId: 'a1', points } }, call);
    const [ada, bob] = [adaOf(board), `bob-${board}`];
    await send(ada, 5n);
    expect((await send(bob, 7n)).accepted).toMatchObject({ newScore: 7n, rank: 1n, version: 1n });
    const top = await world.rankAs('game', 1).getTop({ leaderboard: board, limit: 2 }, call);
    expect(top.entries.map(({ userId, score }) => [userId, score])).toEqual([
      [bob, 7n],
      [ada, 5n],
    ]);
    await waitFor(async () => ((await sql`select 1 from outbox`).length === 0 ? true : undefined));
  });
});

describe('the window', () => {
  it('never holds more than its limit in any span of its length, and gives room back a tenth late at most', async () => {
    const board = await boardWith({ maxWindowActions: 4n, maxWindowPoints: 9n, windowMs: 1_000n });
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
          const [judged] = await sql<{ reason: string | null; wait: bigint | null }[]>`
            select (r).reason, (r).retry_after_ms as wait from (
              select refusal_of(l, find_window(l, ${userId}, ${atMs}::bigint), ${points}::bigint, ${atMs}::bigint) as r
              from leaderboard_limits l where leaderboard = ${board}) judged`;
          if (judged?.reason === null) {
            await sql`
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

  it('keeps what it held when its length is changed', async () => {
    const board = await boardWith({ maxWindowActions: 3n, windowMs: 60_000n });
    expect(await submitted(board, adaOf(board), actions(2))).toEqual([1, 2]);
    await world
      .limitsAs('cli')
      .setLimits({ limits: { leaderboard: board, maxWindowActions: 3n, windowMs: 120_000n } }, call);
    expect(await submitted(board, adaOf(board), [action('b1'), action('b2')])).toEqual([
      3,
      'WINDOW_ACTIONS_EXCEEDED',
    ]);
  });
});

/** Resolves when both services refuse the player. */
async function quarantine(userId: string) {
  expect(await world.limitsAs('cli').quarantinePlayer({ userId }, call)).toMatchObject({ changed: true });
  let tries = 0;
  for (const service of [0, 1]) {
    await waitFor(
      async () => {
        tries += 1;
        const [answer] = await submitted('weekly', userId, [action(`b${tries}`)], service);
        return answer === 'PLAYER_QUARANTINED' || undefined;
      },
      { limitMs: 1_000 },
    );
  }
}

describe('a player who is shut out', () => {
  it('is refused on every board, keeps what counted, and is let in again', async () => {
    const limits = world.limitsAs('cli');
    expect(await submitted('global', 'mallory', [action('a1', 5n)])).toEqual([5]);
    await quarantine('mallory');
    expect(await limits.quarantinePlayer({ userId: 'mallory' }, call)).toMatchObject({ changed: false });
    expect(await submitted('global', 'mallory', [action('a1', 5n), action('a2')])).toEqual([
      5,
      'PLAYER_QUARANTINED',
    ]);
    expect(await submitted('global', 'ada', [action('m1')])).toEqual([1]);
    expect((await limits.listQuarantined({}, call)).userIds).toEqual(['mallory']);
    expect(await limits.releasePlayer({ userId: 'mallory' }, call)).toMatchObject({ changed: true });
    expect(await submitted('global', 'mallory', [action('a2')])).toEqual([6]);
  });
});

describe('flags', () => {
  it('tell who runs into limits again and again, once for each reason, until they are cleared', async () => {
    const board = await boardWith({ maxPoints: 1n });
    const ofBoard = async () =>
      (await world.limitsAs('cli').listFlags({ limit: 1_000 }, call)).flags.filter(
        ({ leaderboard }) => leaderboard === board,
      );
    await submit(board, 'once', [action('a1', 2n)]);
    await submit(board, 'often', actions(4, 2n));
    const first = await waitFor(async () => (await ofBoard())[0], { limitMs: 1_000 });
    expect(first).toMatchObject({ userId: 'often', reason: 'POINTS_OVER_CAP', times: 4n });
    await submit(board, 'often', actions(3, 2n));
    await waitFor(async () => ((await ofBoard())[0]?.times === 7n ? true : undefined));
    expect(await ofBoard()).toHaveLength(1);
    await waitFor(async () => ((await world.metric('score_player_flags')) >= 1 ? true : undefined));
    expect(await world.limitsAs('cli').clearFlags({ userId: 'often' }, call)).toMatchObject({ cleared: 1n });
    expect(await ofBoard()).toEqual([]);
  });
});

describe('an erased player', () => {
  it('leaves no window or flag, and what was judged is in the audit chain', async () => {
    const board = await boardWith({ maxPoints: 5n });
    const ada = adaOf(board);
    expect(await submitted(board, ada, [action('a1', 5n)])).toEqual([5]);
    const unnamed = await sql`
      select 1 from actions a where a.leaderboard = ${board}
      and not exists (select from audit_batches b where b.batch = a.position / 1000 * 1000)`;
    expect(unnamed).toEqual([]);
    await submit(board, ada, [action('b1', 6n), action('b2', 6n), action('b3', 6n)]);
    const kept = () => sql<{ windows: number; flags: number; shut: number }[]>`
      select (select count(*) from player_windows where user_id = ${ada})::int as windows,
             (select count(*) from player_flags where user_id = ${ada})::int as flags,
             (select count(*) from quarantined_players where user_id = ${ada})::int as shut`;
    await world.limitsAs('cli').quarantinePlayer({ userId: ada }, call);
    await waitFor(async () => ((await kept())[0]?.flags === 1 ? true : undefined), { limitMs: 1_000 });
    expect(await kept()).toEqual([{ windows: 1, flags: 1, shut: 1 }]);
    await world.auditAs('cli').erasePlayer({ userId: ada }, call);
    expect(await kept()).toEqual([{ windows: 0, flags: 0, shut: 0 }]);
  });

  it('stays in quarantine until released, and the list does not name the player', async () => {
    const limits = world.limitsAs('cli');
    expect(await submitted('global', 'cheat', [action('c1', 5n)])).toEqual([5]);
    await quarantine('cheat');
    await world.auditAs('cli').erasePlayer({ userId: 'cheat' }, call);
    expect(await sql`select from quarantined_players q where q::text like '%cheat%'`).toHaveLength(0);
    expect((await limits.listQuarantined({}, call)).userIds).toContain(quarantineName('cheat'));
    expect(await limits.quarantinePlayer({ userId: 'cheat' }, call)).toMatchObject({ changed: false });
    expect(await submitted('global', 'cheat', [action('c1', 5n)])).toEqual(['PLAYER_QUARANTINED']);
    // Then the services have read the list again.
    await quarantine('other-cheat');
    for (const service of [0, 1]) {
      expect(await submitted('global', 'cheat', [action('c1', 5n)], service)).toEqual(['PLAYER_QUARANTINED']);
    }
    expect(await sql`select from scores where user_id = 'cheat'`).toHaveLength(0);
    expect(await limits.releasePlayer({ userId: 'cheat' }, call)).toMatchObject({ changed: true });
    expect(await submitted('global', 'cheat', [action('c1', 5n)])).toEqual([5]);
  });
});

describe("the operator's way in", () => {
  it('shows what was set, and is open to nobody else', async () => {
    const board = await boardWith({ maxPoints: 9n, minIntervalMs: 20n });
    await setLimits(board, { kind: 'boss', maxWindowPoints: 5n, windowMs: 7_000n });
    const { limits } = await world.limitsAs('cli').listLimits({ leaderboard: board }, call);
    expect(limits).toMatchObject([
      { kind: '', maxPoints: 9n, minIntervalMs: 20n },
      { kind: 'boss', maxWindowPoints: 5n, windowMs: 7_000n },
    ]);
    expect(limits[0]?.windowMs).toBeUndefined();
    const refused = await world
      .limitsAs('game')
      .setLimits({ limits: { leaderboard: board } }, call)
      .catch((error: unknown) => (error instanceof AppError ? error.reason : error));
    expect(refused).toBe('CALLER_NOT_ALLOWED');
  });
});
