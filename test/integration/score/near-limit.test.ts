/** Totals up to 2^53-1, through two real score services on one real Postgres, on a plain board and on one with a rule. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubmitScoresResponse_Outcome } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { acceptLimited } from '../../../services/score/limits/accept-limited.ts';
import { createLimitedStore } from '../../../services/score/limits/limited-store.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createPostgresPool } from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { SUM } from '../../support/doubles/boards-of.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const MAX_SCORE = 2n ** 53n - 1n;
const BOARDS = ['plain', 'ruled'];
const call = { limitMs: 30_000 };

let world: ScoreWorld;
let sql: Sql;
let players = 0;

beforeAll(async () => {
  world = await startScoreWorld({ scoreServices: 2 });
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 2, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  await world.limitsAs('cli').setLimits({ limits: { leaderboard: 'ruled', maxPoints: MAX_SCORE } }, call);
  for (const service of [0, 1]) {
    await waitFor(async () => {
      const userId = `probe-${service}-${crypto.randomUUID()}`;
      await submit({ leaderboard: 'ruled', userId }, [action('p', 0n)], service);
      return (await sql`select from player_windows where user_id = ${userId}`).length > 0 || undefined;
    });
  }
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

interface Player {
  readonly leaderboard: string;
  readonly userId: string;
}

interface Action {
  readonly actionId: string;
  readonly points: bigint;
}

const action = (actionId: string, points: bigint): Action => ({ actionId, points });

function newPlayer(leaderboard: string): Player {
  players += 1;
  return { leaderboard, userId: `player-${players}` };
}

/** In one call, vouched for by the game server. */
async function submit(player: Player, actions: readonly Action[], service = 0) {
  const submissions = actions.map((each) => ({ ...each, ...player }));
  const { outcomes } = await world.scoreAs('game', service).submitScores({ submissions }, call);
  return outcomes.map(toldOf);
}

const toldOf = ({ result }: SubmitScoresResponse_Outcome) => {
  if (result.case === 'refused') return result.value.reason;
  const { newScore, version, replayed } = result.value ?? {};
  return `${newScore} v${version}${replayed ? ' again' : ''}`;
};

/** What one player is answered when each action is decided on its own, one after the other. */
function createModel() {
  const known = new Map<string, { points: bigint; told: string }>();
  let [total, version] = [0n, 0];
  return ({ actionId, points }: Action): string => {
    const first = known.get(actionId);
    if (first !== undefined) return first.points === points ? `${first.told} again` : 'ACTION_CONFLICT';
    if (total + points > MAX_SCORE) return 'SCORE_LIMIT_REACHED';
    total += points;
    version += 1;
    known.set(actionId, { points, told: `${total} v${version}` });
    return `${total} v${version}`;
  };
}

const actions = fc.record({
  actionId: fc.integer({ min: 1, max: 9 }).map((n) => `a${n}`),
  points: fc.constantFrom(0n, 1n, 2n, 3n, 2n ** 51n, 2n ** 52n, MAX_SCORE - 3n, MAX_SCORE - 1n, MAX_SCORE),
});

const untilWaitingForLock = (applicationName: string) =>
  waitFor(async () => {
    const waiting = await sql`
      select from pg_stat_activity where application_name = ${applicationName} and wait_event_type = 'Lock'`;
    return waiting.length > 0 || undefined;
  });

/** The recorded refusals of a player, once there are two reasons. */
const refusalsOf = ({ userId }: Player) =>
  waitFor(
    async () => {
      const rows = await sql<{ reason: string; attempts: bigint }[]>`
        select reason, sum(attempts)::int as attempts from rejected_actions
        where user_id = ${userId} group by reason order by reason`;
      return rows.length === 2 ? rows : undefined;
    },
    { describe: 'both refusals in the table' },
  );

describe.each(BOARDS)('near the largest total, on a %s board,', (board) => {
  it('each action is decided on its own, in the order given, and a repeat gets its first answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(actions, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
        async (batches) => {
          const [player, decide] = [newPlayer(board), createModel()];
          for (const [number, batch] of batches.entries()) {
            expect(await submit(player, batch, number % 2)).toEqual(batch.map(decide));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a small action is accepted beside a large one that does not fit', async () => {
    const player = newPlayer(board);
    const large = action('large', MAX_SCORE);
    expect(await submit(player, [action('small', 5n), large])).toEqual(['5 v1', 'SCORE_LIMIT_REACHED']);
    expect(await submit(player, [large, action('other', 7n)])).toEqual(['SCORE_LIMIT_REACHED', '12 v2']);
  });

  it('small actions are accepted when large ones of other requests share their batches', async () => {
    const player = newPlayer(board);
    await submit(player, [action('first', 1n)]);
    const small = Array.from({ length: 20 }, (_, n) => action(`small-${n}`, 1n));
    const large = Array.from({ length: 20 }, (_, n) => action(`large-${n}`, MAX_SCORE));
    const together = small.flatMap((each, n) => [each, large[n] ?? each]);
    let submitting: Promise<string[][]> | undefined;
    // While the first batches wait for the player's row, the others fill up behind them.
    await sql.begin(async (other) => {
      await other`select from scores where user_id = ${player.userId} for update`;
      submitting = Promise.all(together.map((each) => submit(player, [each])));
      await untilWaitingForLock('scoreboard-score-accept');
    });
    const told = (await submitting) ?? [];
    expect(told.filter(([answer]) => answer === 'SCORE_LIMIT_REACHED')).toHaveLength(20);
    expect(await sql`select points, version from scores where user_id = ${player.userId}`).toEqual([
      { points: 21n, version: 21n },
    ]);
  });

  it('a batch whose sum exceeds every total is decided action by action', async () => {
    const player = newPlayer(board);
    const batch = Array.from({ length: 500 }, (_, n) => action(`a${n}`, n === 250 ? 1n : MAX_SCORE));
    const told = await submit(player, batch);
    expect(told[0]).toBe(`${MAX_SCORE} v1`);
    expect(new Set(told.slice(1))).toEqual(new Set(['SCORE_LIMIT_REACHED']));
  });

  it('a hundred repeats at once through two services get the same answer', async () => {
    const player = newPlayer(board);
    const largest = action('largest', MAX_SCORE);
    const told = await Promise.all(Array.from({ length: 100 }, (_, n) => submit(player, [largest], n % 2)));
    expect(told.flat().sort()).toEqual([
      `${MAX_SCORE} v1`,
      ...Array.from({ length: 99 }, () => `${MAX_SCORE} v1 again`),
    ]);
  });

  it('a repeat is not recorded as refused, and a changed one is a conflict', async () => {
    const player = newPlayer(board);
    const [small, rest] = [action('small', 1_000n), action('rest', MAX_SCORE - 1_000n)];
    await submit(player, [small, rest]);
    expect(await submit(player, [small])).toEqual(['1000 v1 again']);
    expect(await submit(player, [rest, small])).toEqual([`${MAX_SCORE} v2 again`, '1000 v1 again']);
    expect(await submit(player, [action('small', 1_001n)])).toEqual(['ACTION_CONFLICT']);
    expect(await submit(player, [action('more', 1n)])).toEqual(['SCORE_LIMIT_REACHED']);
    const kept = await refusalsOf(player);
    expect(kept).toEqual([
      { reason: 'ACTION_CONFLICT', attempts: 1 },
      { reason: 'SCORE_LIMIT_REACHED', attempts: 1 },
    ]);
  });

  it('an action that another process is accepting is a repeat, and does not exceed the total', async () => {
    const player = newPlayer(board);
    const command = {
      ...player,
      ...action('same', MAX_SCORE),
      board: SUM,
      username: '',
      keyId: '',
      caller: 'game',
    };
    const pool = createPostgresPool({
      ...{ url: world.databaseUrl, connections: 1, applicationName: 'judging', statementTimeoutMs: 30_000 },
    });
    try {
      let judging: ReturnType<typeof acceptLimited> | undefined;
      await sql.begin(async (other) => {
        await other`
          select accept_limited_actions(array[${board}], array[${player.userId}], array[''], array['same'],
                                        array[${MAX_SCORE}]::bigint[], array[''], array['game'])`;
        judging = acceptLimited(createLimitedStore(pool), [command], { remainingMs: () => 10_000 });
        await untilWaitingForLock('judging');
      });
      expect((await judging)?.answers).toEqual([
        { newScore: MAX_SCORE, changed: true, version: 1n, replayed: true },
      ]);
    } finally {
      await pool.close();
    }
  });
});
