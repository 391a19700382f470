/** Quarantine, flags and erasure beside limits, and the operator's methods. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quarantineName } from '../../../../services/score/limits/limits-store.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  action,
  actions,
  adaOf,
  type LimitsWorld,
  startLimitsWorld,
} from '../../../support/worlds/score/limits-world.ts';
import { reasonOf } from '../../../support/worlds/score/score-calls.ts';

const call = { limitMs: 30_000 };

let world: LimitsWorld;

beforeAll(async () => {
  world = await startLimitsWorld();
});
afterAll(() => world?.stop());

/** Resolves when both services refuse the player. */
async function quarantine(userId: string) {
  expect(await world.limitsAs('cli').quarantinePlayer({ userId }, call)).toMatchObject({ changed: true });
  let tries = 0;
  for (const service of [0, 1]) {
    await waitFor(async () => {
      tries += 1;
      const [answer] = await world.submitted('weekly', userId, [action(`b${tries}`)], service);
      return answer === 'PLAYER_QUARANTINED' || undefined;
    });
  }
}

describe('a player in quarantine', () => {
  it('is refused on every board, keeps the score, and is accepted again after a release', async () => {
    const limits = world.limitsAs('cli');
    expect(await world.submitted('global', 'mallory', [action('a1', 5n)])).toEqual([5]);
    await quarantine('mallory');
    expect(await limits.quarantinePlayer({ userId: 'mallory' }, call)).toMatchObject({ changed: false });
    expect(await world.submitted('global', 'mallory', [action('a1', 5n), action('a2')])).toEqual([
      5,
      'PLAYER_QUARANTINED',
    ]);
    expect(await world.submitted('global', 'ada', [action('m1')])).toEqual([1]);
    expect((await limits.listQuarantined({}, call)).userIds).toEqual(['mallory']);
    expect(await limits.releasePlayer({ userId: 'mallory' }, call)).toMatchObject({ changed: true });
    expect(await world.submitted('global', 'mallory', [action('a2')])).toEqual([6]);
  });
});

describe('flags', () => {
  it('name a player whom limits refuse repeatedly, once for each reason, until they are cleared', async () => {
    const board = await world.boardWith({ maxPoints: 1n });
    const ofBoard = async () =>
      (await world.limitsAs('cli').listFlags({ limit: 1_000 }, call)).flags.filter(
        ({ leaderboard }) => leaderboard === board,
      );
    await world.submit(board, 'once', [action('a1', 2n)]);
    await world.submit(board, 'often', actions(4, 2n));
    const first = await waitFor(async () => (await ofBoard())[0]);
    expect(first).toMatchObject({ userId: 'often', reason: 'POINTS_OVER_CAP', times: 4n });
    await world.submit(board, 'often', actions(3, 2n));
    await waitFor(async () => ((await ofBoard())[0]?.times === 7n ? true : undefined));
    expect(await ofBoard()).toHaveLength(1);
    await waitFor(async () => ((await world.metric('score_player_flags')) >= 1 ? true : undefined));
    expect(await world.limitsAs('cli').clearFlags({ userId: 'often' }, call)).toMatchObject({ cleared: 1n });
    expect(await ofBoard()).toEqual([]);
  });
});

describe('an erased player', () => {
  it('leaves no window or flag, and the actions of the judged lane are in the audit chain', async () => {
    const board = await world.boardWith({ maxPoints: 5n });
    const ada = adaOf(board);
    expect(await world.submitted(board, ada, [action('a1', 5n)])).toEqual([5]);
    const unnamed = await world.sql`
      select 1 from actions a where a.leaderboard = ${board}
      and not exists (select from audit_batches b where b.batch = a.position / 1000 * 1000)`;
    expect(unnamed).toEqual([]);
    await world.submit(board, ada, [action('b1', 6n), action('b2', 6n), action('b3', 6n)]);
    const kept = () => world.sql<{ windows: number; flags: number; shut: number }[]>`
      select (select count(*) from player_windows where user_id = ${ada})::int as windows,
             (select count(*) from player_flags where user_id = ${ada})::int as flags,
             (select count(*) from quarantined_players where user_id = ${ada})::int as shut`;
    await world.limitsAs('cli').quarantinePlayer({ userId: ada }, call);
    await waitFor(async () => ((await kept())[0]?.flags === 1 ? true : undefined));
    expect(await kept()).toEqual([{ windows: 1, flags: 1, shut: 1 }]);
    await world.auditAs('cli').erasePlayer({ userId: ada }, call);
    expect(await kept()).toEqual([{ windows: 0, flags: 0, shut: 0 }]);
  });

  it('stays in quarantine until released, and the list does not name the player', async () => {
    const limits = world.limitsAs('cli');
    expect(await world.submitted('global', 'cheat', [action('c1', 5n)])).toEqual([5]);
    await quarantine('cheat');
    await world.auditAs('cli').erasePlayer({ userId: 'cheat' }, call);
    expect(await world.sql`select from quarantined_players q where q::text like '%cheat%'`).toHaveLength(0);
    expect((await limits.listQuarantined({}, call)).userIds).toContain(quarantineName('cheat'));
    expect(await limits.quarantinePlayer({ userId: 'cheat' }, call)).toMatchObject({ changed: false });
    expect(await world.submitted('global', 'cheat', [action('c1', 5n)])).toEqual(['PLAYER_QUARANTINED']);
    // The services have read the list again by then.
    await quarantine('other-cheat');
    for (const service of [0, 1]) {
      expect(await world.submitted('global', 'cheat', [action('c1', 5n)], service)).toEqual([
        'PLAYER_QUARANTINED',
      ]);
    }
    expect(await world.sql`select from scores where user_id = 'cheat'`).toHaveLength(0);
    expect(await limits.releasePlayer({ userId: 'cheat' }, call)).toMatchObject({ changed: true });
    expect(await world.submitted('global', 'cheat', [action('c1', 5n)])).toEqual([5]);
  });
});

describe("the operator's methods", () => {
  it('list what was set, and refuse other callers', async () => {
    const board = await world.boardWith({ maxPoints: 9n, minIntervalMs: 20n });
    await world.setLimits(board, { kind: 'boss', maxWindowPoints: 5n, windowMs: 7_000n });
    const { limits } = await world.limitsAs('cli').listLimits({ leaderboard: board }, call);
    expect(limits).toMatchObject([
      { kind: '', maxPoints: 9n, minIntervalMs: 20n },
      { kind: 'boss', maxWindowPoints: 5n, windowMs: 7_000n },
    ]);
    expect(limits[0]?.windowMs).toBeUndefined();
    const calling = world.limitsAs('game').setLimits({ limits: { leaderboard: board } }, call);
    expect(await reasonOf(calling)).toBe('CALLER_NOT_ALLOWED');
  });
});
