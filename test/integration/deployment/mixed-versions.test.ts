/**
 * This version beside the next one, as in a rolling restart: its messages with fields that are not known here, and its schema,
 * which only ever adds. What is not known is passed over; everything works as before.
 */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseScoreEvent } from '../../../edge/fanout/feed/score-event.ts';
import { ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import { SubmissionSchema } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { natsNames } from '../../../services/shared/stores/names.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { ensureScoreStream, ownerOf } from '../../../services/shared/stores/nats/score-stream.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { ranked } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };
const NEW_FIELD = 900;
/** What a later version may do while this one is running. */
const LATER_MIGRATION = `
  alter table scores add column season int not null default 1;
  alter table actions add column season int not null default 1;
  alter table outbox add column priority int not null default 0;
  alter table rank_index add column note text;
  alter table players add column country text;
  alter table truth_boards add column season int not null default 1;
  create index actions_by_time on actions (accepted_at);
  create table seasons (id int primary key, name text not null);
  insert into schema_migrations (name) values ('9999_seasons.sql')`;
let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({});
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test' },
    statementTimeoutMs: 30_000,
  });
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

/** A field of the next version: a text under a number that this one does not use. */
const newField = () => ({
  no: NEW_FIELD,
  wireType: WireType.LengthDelimited,
  data: new BinaryWriter().string('from the next version').finish(),
});
const submit = (userId: string, actionId: string, points: bigint) =>
  ranked(() => world.scoreAs('game').submitScore({ submission: { userId, actionId, points } }, call));
const top = () => world.rankAs('edge').getTop({}, call);
const allDelivered = () => waitFor(async () => (await sql`select from outbox`).length === 0 || undefined);
const fromRedis = () =>
  waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 1 || undefined);

test('a call with fields that are not known here is answered as ever', async () => {
  const submission = create(SubmissionSchema, { userId: 'ada', actionId: 'a1', points: 5n });
  submission.$unknown = [newField()];
  // Really on the wire.
  expect(fromBinary(SubmissionSchema, toBinary(SubmissionSchema, submission)).$unknown).toMatchObject([
    { no: NEW_FIELD },
  ]);
  const accepted = await ranked(() => world.scoreAs('game').submitScore({ submission }, call));
  expect(accepted).toMatchObject({ newScore: 5n, rank: 1n, version: 1n });
});

test('an event with fields that are not known here is read for those that are, at every level', async () => {
  const batch = create(ScoreBatchSchema, {
    leaderboard: 'global',
    players: [{ userId: 'ada', username: 'Ada', score: 5n, rank: 1n, version: 1n }],
    board: { epoch: 2n, seq: 3n, entries: [{ userId: 'ada', username: 'Ada', score: 5n }] },
  });
  const known = parseScoreEvent(toBinary(ScoreBatchSchema, batch));
  for (const message of [batch, ...batch.players, batch.board, ...(batch.board?.entries ?? [])]) {
    if (message !== undefined) message.$unknown = [newField()];
  }
  const bytes = toBinary(ScoreBatchSchema, batch);
  expect(fromBinary(ScoreBatchSchema, bytes).board?.entries[0]?.$unknown).toHaveLength(1);
  expect(parseScoreEvent(bytes)).toEqual(known);
});

test('a stream that the next version uses for more, and keeps larger, is left as it is', async () => {
  const nats = await connectNats({ url: world.natsUrl, name: 'test', log: createSilentLog() });
  const manager = await nats.jetstreamManager();
  const { config } = await manager.streams.info('SCORES');
  const later = { ...config, subjects: [...config.subjects, 'seasons.*'], max_bytes: config.max_bytes * 2 };
  await manager.streams.update('SCORES', later);
  await ensureScoreStream(manager, {
    ...{ names: natsNames('scoreboard'), deployment: ownerOf(config) ?? '', at: '' },
  });
  const kept = (await manager.streams.info('SCORES')).config;
  expect(kept.subjects).toContain('seasons.*');
  expect(kept.max_bytes).toBe(later.max_bytes);
  await nats.close();
  await submit('ada', 'a2', 1n);
  await allDelivered();
});

test('on the schema of the next version this one goes on, starts, delivers and rebuilds', async () => {
  await fromRedis();
  await sql.unsafe(LATER_MIGRATION).simple();
  expect(await submit('bob', 'b1', 7n)).toMatchObject({ newScore: 7n, version: 1n });
  expect(await submit('bob', 'b1', 7n)).toMatchObject({ newScore: 7n, replayed: true });
  await expect(submit('bob', 'b1', 8n)).rejects.toMatchObject({ reason: 'ACTION_CONFLICT' });
  await allDelivered();
  const started = await world.startScoreService();
  const { entries } = await world.rankAs('edge').getTop({}, call);
  expect(entries.map(({ userId, score }) => [userId, score])).toEqual([
    ['bob', 7n],
    ['ada', 6n],
  ]);
  await started.stop();

  await world.killRedis();
  await waitFor(async () => (await world.rankMetric('rank_index_from_redis')) === 0 || undefined);
  expect(await submit('ada', 'a3', 4n)).toMatchObject({ newScore: 10n, rank: 1n });
  await world.startRedis();
  await fromRedis();
  expect((await top()).entries.map(({ userId }) => userId)).toEqual(['ada', 'bob']);
  await allDelivered();
});
