import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectNats, SCORE_STREAM } from '../../../services/shared/stores/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/score-world.ts';
import { waitFor } from '../../support/wait-for.ts';

const call = { deadlineMs: 2_000 };
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 10_000,
  });
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const submit = async (userId: string, actionId: string, points: bigint) =>
  (await world.scoreAs('game').submitScore({ submission: { userId, actionId, points } }, call)).accepted;
const top = () => world.rankAs('edge').getTop({}, call);
const outboxIsEmpty = async () => (await sql`select from outbox`).length === 0 || undefined;

it('goes on without Redis, ranks and top from Postgres, and takes the index back when Redis is there again', async () => {
  await submit('ada', 'a1', 10n);
  const before = (await top()).position?.epoch ?? 0n;
  await world.killRedis();
  expect(await submit('bob', 'b1', 20n)).toMatchObject({ newScore: 20n, rank: 1n });
  expect(await submit('ada', 'a2', 5n)).toMatchObject({ newScore: 15n, rank: 2n });
  const without = await waitFor(async () => {
    const answer = await top();
    return !answer.stale && (answer.position?.epoch ?? 0n) > before ? answer : undefined;
  });
  expect(without.entries.map(({ userId }) => userId)).toEqual(['bob', 'ada']);
  expect(await submit('cy', 'c1', 17n)).toMatchObject({ rank: 2n });
  expect((await top()).position?.epoch).toBe(without.position?.epoch);
  await world.startRedis();
  const again = await waitFor(async () => {
    const answer = await top();
    return !answer.stale && (answer.position?.epoch ?? 0n) > (without.position?.epoch ?? 0n)
      ? answer
      : undefined;
  });
  expect(again.entries.map(({ userId, score }) => [userId, score])).toEqual([
    ['bob', 20n],
    ['cy', 17n],
    ['ada', 15n],
  ]);
  await waitFor(outboxIsEmpty);
});

it('goes on without NATS and delivers what was committed meanwhile when it is back, even with an empty store', async () => {
  await world.killNats();
  expect(await submit('dan', 'd1', 30n)).toMatchObject({ newScore: 30n, rank: 1n });
  expect(await sql`select from outbox`).not.toHaveLength(0);
  await world.startNats({ empty: true });
  await waitFor(outboxIsEmpty);
});

it('makes the stream anew on a bus that comes back empty, before anything is published: readers wait for it', async () => {
  await world.killNats();
  await world.startNats({ empty: true });
  const nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
  const manager = await nats.jetstreamManager();
  const { state } = await waitFor(() => manager.streams.info(SCORE_STREAM).catch(() => undefined));
  expect(state.last_seq).toBe(0);
  await nats.close();
});

it('refuses writes clearly while Postgres is away, serves the board, and takes writes again by itself', async () => {
  await world.killPostgres();
  const refusal = await submit('eve', 'e1', 1n).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(AppError);
  expect((refusal as AppError).kind).toBe('unavailable');
  expect((await top()).entries[0]?.userId).toBe('dan');
  await world.startPostgres();
  const accepted = await waitFor(() => submit('eve', 'e1', 1n).catch(() => undefined));
  expect(accepted).toMatchObject({ newScore: 1n, version: 1n });
});
