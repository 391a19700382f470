import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const submitOnce = (userId: string, actionId: string, points: bigint) =>
  world.scoreAs('game').submitScore({ submission: { userId, actionId, points } }, call);
const submit = (userId: string, actionId: string, points: bigint) =>
  ranked(() => submitOnce(userId, actionId, points));
const top = () => world.rankAs('edge').getTop({}, call);
const outboxIsEmpty = async () => (await sql`select from outbox`).length === 0 || undefined;

it('accepts scores without Redis, with ranks and top from Postgres, and uses the index again when Redis is back', async () => {
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

it('accepts scores without NATS, and delivers them when it is back, even with an empty store', async () => {
  await world.killNats();
  expect(await submit('dan', 'd1', 30n)).toMatchObject({ newScore: 30n, rank: 1n });
  expect(await sql`select from outbox`).not.toHaveLength(0);
  await world.startNats({ empty: true });
  await waitFor(outboxIsEmpty);
});

it('creates the stream on a NATS that comes back empty before anything is published, because readers wait for it', async () => {
  await world.killNats();
  await world.startNats({ empty: true });
  const nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
  const manager = await nats.jetstreamManager();
  const { state } = await waitFor(() => manager.streams.info('SCORES').catch(() => undefined));
  expect(state.last_seq).toBe(0);
  await nats.close();
});

it('refuses submissions while Postgres is away, serves the board, and recovers by itself', async () => {
  await world.killPostgres();
  const refusal = await submitOnce('eve', 'e1', 1n).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(AppError);
  expect((refusal as AppError).kind).toBe('unavailable');
  expect((await top()).entries[0]?.userId).toBe('dan');
  await world.startPostgres();
  expect(await submit('eve', 'e1', 1n)).toMatchObject({ newScore: 1n, version: 1n });
});
