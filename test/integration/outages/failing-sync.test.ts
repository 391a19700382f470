/**
 * A disk that reports an error when Postgres wants its log to be on disk. What is in the log by then may be lost, so Postgres
 * stops at once and recovers from what it has; whatever we acknowledged is there, and what was refused counts once.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { type FailingPostgres, restartWithFailingSync } from '../../support/servers/failing-sync.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
const PLAYERS = ['ada', 'bob', 'cy', 'dan'];
/** A few commits of each connection go well. */
const FAILING_SYNC = 8;
let world: ScoreWorld;
let sql: Sql;
let failing: FailingPostgres | undefined;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test' },
    statementTimeoutMs: 30_000,
  });
});

afterAll(async () => {
  await failing?.stop();
  await sql?.end();
  await world?.stop();
});

const submit = async (userId: string, actionId: string) =>
  (await world.scoreAs('game').submitScore({ submission: { userId, actionId, points: 1n } }, call)).accepted;

test('a log that can not be synced: nothing acknowledged is lost, what is refused says so, and it goes on by itself', async () => {
  const [file] = await sql<{ text: string }[]>`select pg_read_file('postmaster.pid') as text`;
  failing = await restartWithFailingSync(Number(file?.text.split('\n')[0]), FAILING_SYNC);
  const { panics } = failing;
  const acknowledged = new Map<string, bigint>();
  const refusals: AppError[] = [];

  /** Sends its actions one after the other, each until it counted, while the database stops again and again. */
  async function play(userId: string): Promise<number> {
    for (let actions = 1; ; actions += 1) {
      const accepted = await waitFor(() =>
        submit(userId, `a${actions}`).catch((error: unknown) => {
          if (!(error instanceof AppError)) throw error;
          refusals.push(error);
          return undefined;
        }),
      );
      expect(accepted.newScore).toBe(BigInt(actions));
      acknowledged.set(`${userId} a${actions}`, accepted.newScore);
      if (panics() >= 2) return actions;
    }
  }
  const played = await Promise.all(PLAYERS.map(play));
  const kinds = new Set(refusals.map(({ kind }) => kind));
  expect(kinds).toContain('unavailable');
  // A machine that is slow to recover.
  kinds.delete('deadline_exceeded');
  expect(kinds.size).toBe(1);

  await failing.stop();
  failing = undefined;
  await world.startPostgres();
  const rows = await waitFor(() =>
    sql<{ key: string; after: bigint }[]>`
      select user_id || ' ' || action_id as key, score_after as after from actions`.catch(() => undefined),
  );
  expect(new Map(rows.map(({ key, after }) => [key, after]))).toEqual(acknowledged);
  const [last = 0] = played;
  expect(await waitFor(() => submit('ada', `a${last}`).catch(() => undefined))).toMatchObject({
    newScore: BigInt(last),
    replayed: true,
  });
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
});
