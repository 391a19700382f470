/** Publishes one ScoreBatch per board to JetStream. Only a PubAck counts as published. */
import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { ScoreBatchSchema } from '../../../gen/scoreboard/event/v1/event_pb.ts';
import type { Clock } from '../settings/clock.ts';
import type { NatsConnection } from '../stores/nats/nats.ts';
import { ensureScoreStream, type ScoreStream } from '../stores/nats/score-stream.ts';
import { type Board, isOnBoard, type Projected, toScore, WITHOUT_SCORE } from '../values/board.ts';

export interface Publisher {
  /** False while NATS is away: publishing would only wait for its limit. */
  ready(): boolean;
  /**
   * Rejects when no PubAck came. The server drops a repeat with the same id within the duplicate window. `ageMs` is how long ago
   * the states were committed.
   */
  publish(batchId: string, projected: Projected, ageMs?: number): Promise<void>;
}

const PUB_ACK_TIMEOUT_MS = 2_000;

export interface PublisherOptions {
  nats: NatsConnection;
  stream: ScoreStream;
  clock: Clock;
  /** Creates the stream again when it is gone. False for a user of NATS that may only publish. */
  keepsStream: boolean;
}

export function createPublisher({ nats, stream, clock, keepsStream }: PublisherOptions): Publisher {
  // A restored database assigns the same batch ids again, and the stream may still know them.
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
    async publish(batchId, projected, ageMs = 0) {
      const bytes = encode(batchId, projected, Math.round(clock.now() - ageMs));
      const send = () =>
        jetstream.publish(stream.names.subject(projected.leaderboard), bytes, {
          msgID: `${life}:${batchId}:${projected.leaderboard}`,
          timeout: PUB_ACK_TIMEOUT_MS,
        });
      try {
        await send();
      } catch (error) {
        if (!connected || !keepsStream) throw error;
        // The stream may be gone with its storage: create it again and try once more.
        await ensureScoreStream(
          await nats.jetstreamManager({ timeout: PUB_ACK_TIMEOUT_MS, checkAPI: false }),
          stream,
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
        score: player.reached === WITHOUT_SCORE ? 0n : toScore(player.points),
        rank: BigInt(ranks?.[index] ?? 0),
        version: player.version,
      })),
      ...(board && { board: describe(board, players) }),
      committedAtUnixMs: BigInt(nowMs),
      boardBehind: !complete,
    }),
  );
}

/** The cause is the best placed of the changed players or, when none of them is on the board, the leader. */
function describe(board: Board, players: readonly Projected['players'][number][]) {
  const changed = new Set(players.map((player) => player.userId));
  const cause =
    board.entries.find((entry) => changed.has(entry.userId)) ??
    players.findLast(isOnBoard) ??
    board.entries[0];
  return {
    ...board.position,
    entries: board.entries.map(({ userId, username, score }) => ({ userId, username, score })),
    causeUserId: cause?.userId ?? '',
    causeScore: cause === undefined ? 0n : 'score' in cause ? cause.score : toScore(cause.points),
  };
}
