/** Publishes one ScoreBatch per board to JetStream. Only a PubAck counts as published. */
import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import type { Clock } from '../settings/clock.ts';
import { ensureScoreStream, type NatsConnection, scoreSubject } from '../stores/nats.ts';
import type { Board, Projected } from '../values/board.ts';

export interface Publisher {
  /** False while the bus is away: publishing would only wait for its limit. */
  ready(): boolean;
  /** Rejects when no PubAck came. A repeat with the same id within the duplicate window is dropped by the server. */
  publish(batchId: string, projected: Projected): Promise<void>;
}

const PUB_ACK_TIMEOUT_MS = 2_000;

export interface PublisherOptions {
  nats: NatsConnection;
  clock: Clock;
  /** Makes the stream anew when it is gone. False for a user of the bus that may only publish. */
  keepsStream: boolean;
}

export function createPublisher({ nats, clock, keepsStream }: PublisherOptions): Publisher {
  // The ids of batches come again when the database is restored, and the bus may still know them.
  const life = randomUUID();
  const jetstream = nats.jetstream({ timeout: PUB_ACK_TIMEOUT_MS });
  let connected = true;
  void (async () => {
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') connected = false;
      if (type === 'reconnect') connected = true;
    }
  })();

  return {
    ready: () => connected && !nats.isClosed(),
    async publish(batchId, projected) {
      const bytes = encode(batchId, projected, clock.now());
      const send = () =>
        jetstream.publish(scoreSubject(projected.leaderboard), bytes, {
          msgID: `${life}:${batchId}:${projected.leaderboard}`,
          timeout: PUB_ACK_TIMEOUT_MS,
        });
      try {
        await send();
      } catch (error) {
        if (!connected || !keepsStream) throw error;
        // The stream may be gone with its store: make it anew and try once more.
        await ensureScoreStream(
          await nats.jetstreamManager({ timeout: PUB_ACK_TIMEOUT_MS, checkAPI: false }),
        );
        await send();
      }
    },
  };
}

function encode(
  batchId: string,
  { leaderboard, players, ranks, board, complete }: Projected,
  nowMs: number,
): Uint8Array {
  return toBinary(
    ScoreBatchSchema,
    create(ScoreBatchSchema, {
      batchId,
      leaderboard,
      players: players.map((player, index) => ({
        userId: player.userId,
        username: player.username,
        score: player.points,
        rank: BigInt(ranks?.[index] ?? 0),
        version: player.version,
      })),
      ...(board && { board: describe(board, players) }),
      committedAtUnixMs: BigInt(nowMs),
      boardBehind: !complete,
    }),
  );
}

/** The cause is the best placed of the players whose change this is; for a mere reading, the leader. */
function describe(board: Board, players: readonly Projected['players'][number][]) {
  const changed = new Set(players.map((player) => player.userId));
  const cause =
    board.entries.find((entry) => changed.has(entry.userId)) ?? players.at(-1) ?? board.entries[0];
  return {
    epoch: board.epoch,
    seq: board.seq,
    entries: board.entries.map(({ userId, username, score }) => ({ userId, username, score })),
    causeUserId: cause?.userId ?? '',
    causeScore: cause === undefined ? 0n : 'score' in cause ? cause.score : cause.points,
  };
}
