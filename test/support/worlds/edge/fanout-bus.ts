/** The bus of a fan-out world: a real NATS, on which the test publishes what a score service would. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { startNatsServer } from '../../../../dev/servers/nats-server.ts';
import { ScoreBatchSchema } from '../../../../gen/scoreboard/event/v1/event_pb.ts';
import { natsNames } from '../../../../services/shared/stores/names.ts';
import { connectNats, type NatsConnection } from '../../../../services/shared/stores/nats/nats.ts';
import { ensureScoreStream } from '../../../../services/shared/stores/nats/score-stream.ts';
import type { Log } from '../../../../services/shared/telemetry/log.ts';
import { entriesOf, type TestBoard } from '../../doubles/rank-double.ts';

export interface TestPlayer {
  userId: string;
  score: number;
  rank: number;
  version: number;
}

export async function startFanoutBus(dir: string, log: Log) {
  // Apart from the server's data, which a test may delete.
  const home = { dataDir: join(dir, 'nats'), secretsDir: join(dir, 'secrets') };
  let nats = await startNatsServer(home);
  const { port } = nats;
  const stream = { names: natsNames('scoreboard'), deployment: randomUUID(), at: 'nats://127.0.0.1' };
  let publisher: NatsConnection | undefined;

  /** Makes the stream, as a score service does whenever it connects. */
  async function openBus(): Promise<NatsConnection> {
    publisher ??= await connectNats({ url: nats.urlAs('score'), name: 'test', log });
    await ensureScoreStream(await publisher.jetstreamManager(), stream);
    return publisher;
  }
  await openBus();

  return {
    url: nats.urlAs('fanout'),
    deployment: stream.deployment,
    async publish(board: TestBoard | undefined, players: TestPlayer[] = [], leaderboard = 'global') {
      const bus = await openBus();
      const batch = batchOf(board, players, leaderboard);
      const subject = stream.names.subject(batch.leaderboard);
      await bus.jetstream().publish(subject, toBinary(ScoreBatchSchema, batch));
    },
    async killNats(): Promise<void> {
      await publisher?.close();
      publisher = undefined;
      nats.kill('SIGKILL');
      await nats.exited;
    },
    pauseNats: () => nats.kill('SIGSTOP'),
    resumeNats: () => nats.kill('SIGCONT'),
    async startNats({ empty = false } = {}) {
      if (empty) await rm(home.dataDir, { recursive: true, force: true });
      nats = await startNatsServer({ ...home, port });
      await openBus();
    },
    /** Another server at the same port, which has none of our users. */
    async startForeignNats() {
      nats = await startNatsServer({ ...home, secretsDir: join(dir, 'foreign'), port });
    },
    async deleteStream() {
      const admin = await connectNats({ url: nats.url, name: 'admin', log });
      await (await admin.jetstreamManager()).streams.delete('SCORES');
      await admin.close();
    },
    async stopBus() {
      await publisher?.close();
      await nats.stop();
    },
  };
}

function batchOf(board: TestBoard | undefined, players: readonly TestPlayer[], leaderboard: string) {
  const [cause] = board?.entries ?? [];
  return create(ScoreBatchSchema, {
    leaderboard: board?.leaderboard ?? leaderboard,
    committedAtUnixMs: BigInt(Date.now()),
    players: players.map(({ userId, ...player }) => ({
      ...{ userId, username: userId, score: BigInt(player.score) },
      ...{ rank: BigInt(player.rank), version: BigInt(player.version) },
    })),
    ...(board && {
      board: {
        epoch: BigInt(board.epoch ?? 1),
        seq: BigInt(board.seq),
        entries: entriesOf(board),
        causeUserId: cause?.userId ?? '',
        causeScore: BigInt(cause?.score ?? 0),
      },
    }),
  });
}
