/** Locks in Postgres: writers of one action on several boards, and rows that another session holds. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { acceptScores } from '../../../../services/score/accept/accept-scores.ts';
import { createAcceptStore } from '../../../../services/score/accept/accept-store.ts';
import type { Action } from '../../../../services/score/accept/action.ts';
import { acceptLimited } from '../../../../services/score/limits/accept-limited.ts';
import { createLimitedStore } from '../../../../services/score/limits/limited-store.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import { connectPostgres, type Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import {
  createPostgresPool,
  type PostgresPool,
} from '../../../../services/shared/stores/postgres/postgres-pool.ts';
import { SUM } from '../../../support/doubles/boards-of.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { reasonsOf } from '../../../support/worlds/score/score-calls.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

let world: ScoreWorld;
let sql: Sql;
let pool: PostgresPool;

beforeAll(async () => {
  world = await startScoreWorld({});
  const options = { url: world.databaseUrl, applicationName: 'locks test', statementTimeoutMs: 20_000 };
  sql = connectPostgres({ ...options, connections: 2 });
  pool = createPostgresPool({ ...options, connections: 3 });
});

afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await pool?.close();
  await world?.stop();
});

const action = (userId: string, leaderboard: string, actionId: string): Action => ({
  ...{ leaderboard, board: SUM, userId, username: '', actionId, points: 1n, keyId: '', caller: 'game' },
});

type Lane = (actions: readonly Action[]) => Promise<string[]>;

/** Each lane with a store of its own, as in two processes. Returns what became of each action. */
function lanes(): Record<'open' | 'judged', Lane> {
  const [open, limited] = [createAcceptStore(pool, 20_000), createLimitedStore(pool, 20_000)];
  const deadline = () => Deadline.after(20_000);
  const told: (result: ReturnType<typeof acceptScores>) => Promise<string[]> = async (result) =>
    (await result).answers.map((answer) =>
      answer instanceof Error ? answer.message : answer?.replayed ? 'again' : 'counted',
    );
  return {
    open: (actions) => told(acceptScores(open, actions, deadline())),
    judged: (actions) => told(acceptLimited(limited, actions, deadline())),
  };
}

/** Resolves when so many statements of this test wait for a lock. */
const untilWaiting = (count: number) =>
  waitFor(
    async () => {
      const waiting = await sql`
        select from pg_stat_activity where application_name = 'locks test' and wait_event_type = 'Lock'`;
      return waiting.length === count || undefined;
    },
    { describe: `${count} statements that wait` },
  );

type Statement = (transaction: Sql) => PromiseLike<unknown>;

/** Holds what a statement locks, until the returned function ends its session. */
async function hold(statement: Statement): Promise<() => Promise<void>> {
  const holder = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'holder', statementTimeoutMs: 20_000 },
  });
  const held = Promise.withResolvers<void>();
  // It ends with the session.
  holder
    .begin(async (transaction) => {
      await statement(transaction as unknown as Sql);
      held.resolve();
      await new Promise(() => {});
    })
    .catch(held.reject);
  await held.promise;
  return () => holder.end({ timeout: 0 });
}

const CONFLICT = new AppError('ACTION_CONFLICT').message;

it('batches of the open lane that send the same actions to two boards, in opposite order, both end', async () => {
  const { open } = lanes();
  const release = await hold(
    (transaction) => transaction`
      insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller)
      values (nextval('action_positions'), 'a', 'opposite', 'middle', 1, 1, 1, '', 'game')`,
  );
  const ids = ['one', 'middle', 'two'];
  const batches = [
    open(ids.map((id) => action('opposite', 'a', id))),
    open(ids.toReversed().map((id) => action('opposite', 'b', id))),
  ];
  await untilWaiting(2);
  await release();
  const told = await Promise.all(batches);
  expect(told.map((each) => new Set(each)).toSorted()).toEqual(
    expect.arrayContaining([new Set(['counted']), new Set([CONFLICT])]),
  );
});

it.each(['open', 'judged'] as const)(
  'a batch of the judged lane that waits for a row holds up no other board of its actions: %s lane',
  async (lane) => {
    const userId = `crossing-${lane}`;
    await lanes().open([action(userId, 'b', 'first')]);
    const release = await hold(
      (transaction) =>
        transaction`select from scores where (leaderboard, user_id) = ('b', ${userId}) for update`,
    );
    const ahead = lanes().judged(['a', 'b', 'c'].map((board) => action(userId, board, `to-${board}`)));
    await untilWaiting(1);
    expect(await lanes()[lane]([action(userId, 'c', 'to-a')])).toEqual(['counted']);
    await release();
    expect(await ahead).toEqual([CONFLICT, 'counted', 'counted']);
  },
);

const call = { limitMs: 30_000 };

it.each([
  ['of a player on a plain board', 'plain', 'scores'],
  ['of a player on a board with limits', 'ruled', 'scores'],
  ['of the limits of a player', 'ruled', 'player_windows'],
])('a session that holds the row %s refuses this player alone', async (_, leaderboard, table) => {
  await world.limitsAs('cli').setLimits({ limits: { leaderboard: 'ruled', maxPoints: 1_000n } }, call);
  const nameOf = (name: string) => `${name}-${leaderboard}-${table}`;
  const [before, held, after] = [nameOf('a'), nameOf('held'), nameOf('z')];
  const kept = leaderboard === 'ruled' ? 'player_windows' : 'scores';
  const submit = async (round: string) => {
    const submissions = [held, before, after].map((userId) => ({
      leaderboard,
      userId,
      actionId: round,
      points: 1n,
    }));
    return reasonsOf((await world.scoreAs('game').submitScores({ submissions }, call)).outcomes);
  };
  await waitFor(async () => {
    await submit(crypto.randomUUID());
    return (await sql`select from ${sql(kept)} where user_id = ${held}`).length > 0 || undefined;
  });
  const release = await hold(
    (transaction) => transaction`select from ${transaction(table)} where user_id = ${held} for update`,
  );
  for (const round of ['first', 'second']) {
    const told = await waitFor(async () => {
      const [ofHeld, ...ofFree] = await submit(round);
      return ofFree.every((reason) => reason === 'accepted') ? ofHeld : undefined;
    });
    expect(told).toBe('PLAYER_LOCKED');
  }
  await release();
  await waitFor(async () => (await submit('second'))[0] === 'accepted' || undefined);
});
