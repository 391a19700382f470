import { create, toBinary } from '@bufbuild/protobuf';
import { beforeEach, expect, test } from 'vitest';
import { createEventReader } from '../../../../../edge/fanout/feed/event-reader.ts';
import { createFanoutMetrics } from '../../../../../edge/fanout/metrics/fanout-metrics.ts';
import { ScoreBatchSchema } from '../../../../../gen/scoreboard/event/v1/event_pb.ts';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';

let calls: unknown[];
let read: (payload: Uint8Array) => void;
let metrics: ReturnType<typeof createFanoutMetrics>;

beforeEach(() => {
  calls = [];
  metrics = createFanoutMetrics(createMetrics('fanout', { runtime: false }));
  read = createEventReader({
    hub: {
      offerBoard: ({ seq }, committedAtMs) => calls.push(['board', seq, committedAtMs]) > 0,
      offerPlayers: (leaderboard, players) => calls.push(['players', leaderboard, players]),
    },
    following: {
      offer: (leaderboard, players) => void calls.push(['following', leaderboard, players.length]),
    },
    freshness: { onEvent: (leaderboard, behind) => calls.push(['freshness', leaderboard, behind]) },
    log: createSilentLog(),
    metrics,
  });
});

const player = { userId: 'ann', username: 'Ann', score: 5n, rank: 0n, version: 2n };

test('an event brings its board first, then its players, then whether the board is behind', () => {
  const board = { epoch: 1n, seq: 7n, entries: [], causeUserId: 'ann', causeScore: 5n };
  read(
    toBinary(
      ScoreBatchSchema,
      create(ScoreBatchSchema, {
        ...{ leaderboard: 'weekly', committedAtUnixMs: 99n, players: [player], board },
      }),
    ),
  );
  expect(calls).toEqual([
    ['board', 7, 99],
    ['players', 'weekly', [{ userId: 'ann', score: 5, rank: undefined, version: 2 }]],
    ['following', 'weekly', 1],
    ['freshness', 'weekly', false],
  ]);
});

test('an event without a board says that the board is behind', () => {
  const batch = create(ScoreBatchSchema, { leaderboard: 'weekly', players: [player], boardBehind: true });
  read(toBinary(ScoreBatchSchema, batch));
  expect(calls).toMatchObject([
    ['players', 'weekly', [{ userId: 'ann' }]],
    ['following', 'weekly', 1],
    ['freshness', 'weekly', true],
  ]);
});

test('an event that is malformed is counted and skipped', async () => {
  read(Buffer.from('not an event'));
  expect(calls).toEqual([]);
  expect(await metrics.registry.text()).toContain(
    'fanout_feed_events_total{outcome="invalid",service="fanout"} 1',
  );
});
