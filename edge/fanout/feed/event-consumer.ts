/** The JetStream consumer of one feed session: where it starts, and everything that ends it. */
import { randomUUID } from 'node:crypto';
import { AckPolicy, DeliverPolicy, type NatsConnection } from '../../../services/shared/stores/nats/nats.ts';
import { refuseForeign } from '../../../services/shared/stores/nats/score-stream.ts';
import type { FeedStream } from './feed-stream.ts';
import {
  FEED_CALL_DEADLINE_MS,
  FEED_CONSUMER_LINGER_MS,
  FEED_HEARTBEAT_MS,
  FEED_MAX_REPLAY,
  FEED_PULL_EXPIRES_MS,
  FEED_PULL_MESSAGES,
} from './limits.ts';

/** The last event that this node has read. */
export interface Cursor {
  /** When the stream was created. Another stream has other sequence numbers. */
  readonly created: string;
  readonly seq: number;
}

export interface ConsumerHandlers {
  onEvent: (payload: Uint8Array, seq: number) => void;
  /** The consumer no longer delivers every event. May be called several times. */
  onTrouble: (why: string) => void;
}

export interface EventConsumer {
  /** With `remove` the consumer is deleted on the server, which otherwise deletes it by itself after a while. */
  close(options: { remove: boolean }): Promise<void>;
}

const NS_PER_MS = 1_000_000;
/** Status notices of a consumer that works. */
const HARMLESS = new Set(['next', 'debug', 'discard']);

/**
 * Creates a consumer that starts right after the cursor. `from` is the cursor before its first event. Rejects with
 * ForeignServerError if the stream belongs to another deployment.
 */
export async function addConsumer(
  connection: NatsConnection,
  stream: FeedStream,
  cursor: Cursor | undefined,
): Promise<{ name: string; from: Cursor }> {
  const manager = await connection.jetstreamManager({ timeout: FEED_CALL_DEADLINE_MS, checkAPI: false });
  // The score service creates the stream. Until then this call fails, and the feed tries again.
  const { created, state, config } = await manager.streams.info(stream.names.stream);
  const { deployment } = stream;
  if (deployment !== undefined) refuseForeign(config, { ...stream, deployment });
  const start = startOf(cursor, created, state.last_seq);
  const { name } = await manager.consumers.add(stream.names.stream, {
    name: stream.names.consumer(randomUUID()),
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: start,
    inactive_threshold: FEED_CONSUMER_LINGER_MS * NS_PER_MS,
    mem_storage: true,
    num_replicas: 1,
  });
  return { name, from: { created, seq: start - 1 } };
}

/** The first event to read: the one after the cursor, or the first of a stream that was created since. */
export function startOf(cursor: Cursor | undefined, created: string, lastSeq: number): number {
  if (cursor === undefined) return lastSeq + 1;
  const isSameStream = cursor.created === created && cursor.seq <= lastSeq;
  return Math.max(isSameStream ? cursor.seq + 1 : 1, lastSeq + 1 - FEED_MAX_REPLAY);
}

export async function consumeEvents(
  connection: NatsConnection,
  { stream, name }: { stream: string; name: string },
  { onEvent, onTrouble }: ConsumerHandlers,
): Promise<EventConsumer> {
  const jetstream = connection.jetstream({ timeout: FEED_CALL_DEADLINE_MS });
  const consumer = await jetstream.consumers.get(stream, name);
  let delivered = 0;
  const messages = await consumer.consume({
    max_messages: FEED_PULL_MESSAGES,
    expires: FEED_PULL_EXPIRES_MS,
    idle_heartbeat: FEED_HEARTBEAT_MS,
    abort_on_missing_resource: true,
    callback({ data, info: { deliverySequence, streamSequence } }) {
      if (deliverySequence !== delivered + 1) return onTrouble('gap');
      delivered = deliverySequence;
      onEvent(data, streamSequence);
    },
  });
  void reportStatus(await messages.status(), onTrouble);
  messages.closed().then(
    () => onTrouble('consumer closed'),
    () => onTrouble('consumer failed'),
  );
  return {
    async close({ remove }) {
      await messages.close();
      if (remove) await consumer.delete().catch(() => false);
    },
  };
}

async function reportStatus(
  statuses: AsyncIterable<{ type: unknown }>,
  onTrouble: ConsumerHandlers['onTrouble'],
): Promise<void> {
  for await (const { type } of statuses) {
    if (!HARMLESS.has(String(type))) onTrouble(String(type));
  }
}
