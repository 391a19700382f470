/** The one door to NATS: a connection that never gives up, and the names and limits of the one stream. */
import {
  AckPolicy,
  type ConsumerMessages,
  connect,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  RetentionPolicy,
  StorageType,
} from 'nats';
import type { Log } from './log.ts';

export type { ConsumerMessages, JetStreamClient, JetStreamManager, NatsConnection };
export { AckPolicy, DeliverPolicy };

export const SCORE_STREAM = 'SCORES';
export const scoreSubject = (leaderboard: string): string => `scores.${leaderboard}`;
export const ALL_SCORE_SUBJECTS = 'scores.*';

/** Events carry state, so a reader never needs old ones; an hour is for looking back. */
const STREAM_MAX_AGE_NS = 60 * 60 * 1_000_000_000;
const STREAM_MAX_BYTES = 256 * 1024 * 1024;
/** Repeats of a batch id within this window are dropped by the server; later ones are harmless. */
const DUPLICATE_WINDOW_NS = 2 * 60 * 1_000_000_000;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 250;
const PING_INTERVAL_MS = 3_000;

export interface NatsOptions {
  url: string;
  name: string;
  log: Log;
}

/** Waits for the first connection, then keeps it up for the life of the process. */
export async function connectNats({ url, name, log }: NatsOptions): Promise<NatsConnection> {
  const connection = await connect({
    servers: url,
    name,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
  });
  void watchStatus(connection, log);
  return connection;
}

async function watchStatus(connection: NatsConnection, log: Log): Promise<void> {
  for await (const { type, data } of connection.status()) {
    if (type === 'pingTimer') continue;
    log.warn({ type, data: String(data) }, 'nats connection');
  }
}

/** Creates the stream when it is missing, so that a wiped server heals by itself. */
export async function ensureScoreStream(manager: JetStreamManager): Promise<void> {
  try {
    await manager.streams.info(SCORE_STREAM);
  } catch {
    await manager.streams.add({
      name: SCORE_STREAM,
      subjects: [ALL_SCORE_SUBJECTS],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      storage: StorageType.File,
      max_age: STREAM_MAX_AGE_NS,
      max_bytes: STREAM_MAX_BYTES,
      duplicate_window: DUPLICATE_WINDOW_NS,
    });
  }
}
