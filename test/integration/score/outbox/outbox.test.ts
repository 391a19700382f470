/** The outbox with real servers: what is stuck shows, is given up, is replayed, and in the end holds submissions back. */

import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { MAX_PENDING_ROWS } from '../../../../services/score/outbox/outbox-watch.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { connectPostgres, type Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import { patient } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
const logLines: string[] = [];
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({ log: pino({ level: 'info' }, { write: (line) => logLines.push(line) }) });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
});

afterEach(async () => {
  await sql`delete from outbox`;
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const submit = (userId: string, actionId: string) =>
  patient(world.scoreAs('game')).submitScore({ submission: { userId, actionId, points: 1n } }, call);
const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof AppError ? error.reason : error),
  );
const logged = (words: string) => logLines.filter((line) => line.includes(words));

test('a dead batch is listed with its error, and delivered once it is replayed', async () => {
  await submit('ada', 'a1');
  const [row] = await sql<{ id: bigint }[]>`
    insert into outbox (leaderboards, user_ids, state, attempts, last_error, next_attempt_at)
    values ('{global}', '{ada}', 'dead', 20, 'it did not fit', now()) returning id`;
  const { entries, dead } = await world.operatorAs('cli').listOutbox({}, call);
  expect(dead).toBe(1n);
  expect(entries[0]).toMatchObject({
    id: row?.id,
    dead: true,
    attempts: 20,
    lastError: 'it did not fit',
    players: 1,
    leaderboards: ['global'],
  });
  await waitFor(async () => (await world.metric('outbox_dead_rows')) === 1 || undefined);

  expect(await world.operatorAs('cli').replayOutbox({ ids: [row?.id ?? 0n, 999_999n] }, call)).toMatchObject({
    replayed: 1n,
  });
  await waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
});

test('a replay without ids delivers every dead batch, and leaves pending ones alone', async () => {
  await sql`
    insert into outbox (leaderboards, user_ids, state, attempts, next_attempt_at)
    values ('{global}', '{ada}', 'dead', 20, now()), ('{global}', '{ada}', 'dead', 20, now()),
           ('{global}', '{ada}', 'pending', 3, now() + interval '50 seconds')`;
  expect(await world.operatorAs('cli').replayOutbox({}, call)).toMatchObject({ replayed: 2n });
  await waitFor(async () => (await sql`select from outbox`).length === 1 || undefined);
  expect(await sql`select state, attempts from outbox`).toMatchObject([{ state: 'pending', attempts: 3 }]);
});

test('an overdue batch is logged once, and so is its delivery', async () => {
  await sql`
    insert into outbox (leaderboards, user_ids, next_attempt_at, created_at)
    values ('{global}', '{ada}', now() + interval '50 seconds', now() - interval '31 seconds')`;
  await waitFor(async () => (await world.metric('outbox_overdue')) === 1 || undefined);
  // Two more looks.
  const age = await world.metric('outbox_oldest_seconds');
  await waitFor(async () => (await world.metric('outbox_oldest_seconds')) > age + 1.5 || undefined);
  expect(logged('the outbox is overdue')).toHaveLength(1);
  await sql`delete from outbox`;
  await waitFor(async () => (await world.metric('outbox_overdue')) === 0 || undefined);
  expect(logged('the outbox is no longer overdue')).toHaveLength(1);
});

test('submissions are refused with a reason of their own while the outbox is full', async () => {
  await sql`
    insert into outbox (leaderboards, user_ids, next_attempt_at)
    select '{global}', '{ada}', now() + interval '50 seconds' from generate_series(1, ${MAX_PENDING_ROWS}::int)`;
  await waitFor(async () => (await reasonOf(submit('bob', 'b1'))) === 'OUTBOX_FULL' || undefined);
  const { outcomes } = await world
    .scoreAs('game')
    .submitScores({ submissions: [{ userId: 'bob', actionId: 'b2', points: 1n }] }, call);
  expect(outcomes[0]?.result.value).toMatchObject({ code: 8, reason: 'OUTBOX_FULL', retryAfterMs: 5_000 });
  expect(await sql`select from actions where action_id = 'b2'`).toHaveLength(0);
  await sql`delete from outbox`;
  await waitFor(async () => (await reasonOf(submit('bob', 'b2'))) === 'accepted' || undefined);
});

test('only the operator may list the outbox or replay it', async () => {
  expect(await reasonOf(world.operatorAs('edge').listOutbox({}, call))).toBe('CALLER_NOT_ALLOWED');
  expect(await reasonOf(world.operatorAs('game').replayOutbox({}, call))).toBe('CALLER_NOT_ALLOWED');
  expect(await reasonOf(world.indexAs('fanout').compareIndex({}, call))).toBe('CALLER_NOT_ALLOWED');
});
