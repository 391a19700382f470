/** The score service while a server hangs: stopped for five seconds, then resumed. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { DRAIN_LIMIT_MS } from '../../../services/shared/process/run-process.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { ranked, sentAgain } from '../../support/clients/sent-again.ts';
import { BUSY_MS, waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, type ServerName, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const PAUSE_MS = 5_000;
const PACE_MS = 20;
/** Longest time of an answer; the caller waits longer, so that a missed limit shows. */
const ANSWER_LIMIT_MS = 2_000 + BUSY_MS;
const call = { limitMs: 2 * ANSWER_LIMIT_MS };
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({ rankWaitMs: 250 });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const submitOnce = (userId: string, actionId: string) => {
  const submission = { userId, actionId, points: 1n };
  return world.scoreAs('game').submitScore({ submission }, call);
};
const submit = async (userId: string, actionId: string) => (await submitOnce(userId, actionId)).accepted;
const top = () => world.rankAs('edge').getTop({}, call);

interface Answered {
  readonly actionId: string;
  readonly tookMs: number;
  readonly error: AppError | undefined;
}

/** Submits one action after another as long as the server is held. */
async function submitWhilePaused(server: ServerName, userId: string): Promise<Answered[]> {
  const answers: Answered[] = [];
  world.pause(server);
  try {
    const until = performance.now() + PAUSE_MS;
    while (performance.now() < until) {
      const actionId = `${server}-${answers.length}`;
      const started = performance.now();
      const error = await submit(userId, actionId).then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof AppError ? thrown : Promise.reject(thrown)),
      );
      answers.push({ actionId, tookMs: performance.now() - started, error });
      // Reading goes on as well.
      await top();
      // The pace of the submissions.
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  } finally {
    world.resume(server);
  }
  return answers;
}

const slowest = (answers: readonly Answered[]) => Math.max(...answers.map(({ tookMs }) => tookMs));
const allDelivered = async () => (await sql`select from outbox`).length === 0 || undefined;

test('a hanging Postgres: submissions are refused in time with a retry time, boards are stale, and each action counts once', async () => {
  await sentAgain(() => submit('ada', 'before'));
  const staleSeen = waitFor(async () => ((await top()).stale ? true : undefined));
  const answers = await submitWhilePaused('postgres', 'ada');
  expect(await staleSeen).toBe(true);
  expect(slowest(answers)).toBeLessThan(ANSWER_LIMIT_MS);
  expect(answers.every(({ error }) => error !== undefined)).toBe(true);
  expect(new Set(answers.map(({ error }) => error?.kind))).toEqual(
    new Set(['deadline_exceeded', 'unavailable']),
  );
  expect(answers.at(-1)?.error).toMatchObject({ reason: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 });

  await waitFor(() => submit('ada', 'after').catch(() => undefined));
  for (const { actionId } of answers) await submit('ada', actionId);
  expect((await submit('ada', 'last'))?.newScore).toBe(BigInt(answers.length + 3));
  await waitFor(async () => ((await top()).stale ? undefined : true));
  await waitFor(allDelivered);
});

test('a hanging Postgres does not make the service unready, and /readyz names it', async () => {
  world.pause('postgres');
  try {
    const { status } = await waitFor(async () => {
      const answer = await world.readiness();
      return answer.body.dependencies.postgres === false ? answer : undefined;
    });
    expect(status).toBe(200);
  } finally {
    world.resume('postgres');
  }
  await waitFor(async () => (await world.readiness()).body.dependencies.postgres || undefined);
});

test('a hanging Redis: scores are accepted with their rank, boards are read, and the index is back afterwards', async () => {
  const before = (await sentAgain(() => submit('bob', 'before-redis')))?.newScore ?? 0n;
  const answers = await submitWhilePaused('redis', 'bob');
  expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(slowest(answers)).toBeLessThan(ANSWER_LIMIT_MS);
  const last = await submit('bob', 'after-redis');
  expect(last).toMatchObject({ newScore: before + BigInt(answers.length) + 1n });
  expect((await ranked(() => submitOnce('bob', 'after-redis'))).rank).toBeGreaterThan(0n);
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);
  await waitFor(async () => {
    const { entries, stale } = await top();
    return (!stale && entries.find(({ userId }) => userId === 'bob')?.score === last?.newScore) || undefined;
  });
  await waitFor(allDelivered);
});

test('a hanging NATS: scores are accepted, and all are delivered within seconds after it resumes', async () => {
  const answers = await submitWhilePaused('nats', 'cy');
  expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(slowest(answers)).toBeLessThan(ANSWER_LIMIT_MS);
  await waitFor(allDelivered);
  expect(await sql`select from actions where user_id = 'cy'`).toHaveLength(answers.length);
});

test.each<ServerName>(['postgres', 'redis', 'nats'])(
  'a service that is told to stop while %s is held is gone before its drain limit',
  async (server) => {
    const leaving = await world.startScoreService();
    const score = world.scoreAt(leaving.port, 'game');
    world.pause(server);
    try {
      const submitting = Array.from({ length: 20 }, (_, n) =>
        score
          .submitScore({ submission: { userId: 'dan', actionId: `${server}-stop-${n}`, points: 1n } }, call)
          .then(
            () => undefined,
            (error: unknown) => error,
          ),
      );
      await submitting[0];
      const started = performance.now();
      await leaving.stop();
      expect(performance.now() - started).toBeLessThan(DRAIN_LIMIT_MS);
      await Promise.all(submitting);
    } finally {
      world.resume(server);
    }
    // What it had accepted is delivered by the others.
    await waitFor(allDelivered);
  },
);
