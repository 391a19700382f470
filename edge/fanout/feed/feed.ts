/**
 * The stream of score events, read in sessions: each creates a consumer of its own that starts right after the last
 * event read, so that an interruption loses nothing. A session ends as soon as anything is wrong with it (connection
 * lost, heartbeats missed, a gap, the consumer or the stream deleted), and the next one starts from the facts it finds,
 * a wiped server included. Losing events would still be harmless: boards are repaired by polling.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '../../../services/shared/settings/secret.ts';
import {
  AckPolicy,
  connectNats,
  DeliverPolicy,
  describeNatsTrouble,
  JETSTREAM_DISABLED,
  type NatsConnection,
  NOT_CONNECTED,
  SCORE_STREAM,
} from '../../../services/shared/stores/nats.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../../services/shared/telemetry/repeated-log.ts';
import {
  FEED_CALL_DEADLINE_MS,
  FEED_CONSUMER_LINGER_MS,
  FEED_HEARTBEAT_MS,
  FEED_MAX_REPLAY,
  FEED_PULL_EXPIRES_MS,
  FEED_PULL_MESSAGES,
  FEED_RETRIES_UNTIL_GONE,
  FEED_RETRY_MS,
} from '../limits.ts';

export interface FeedOptions {
  natsUrl: Secret;
  log: Log;
  /** One event's bytes. Must not throw. */
  onEvent: (payload: Uint8Array) => void;
  /** The feed was opened or lost. */
  onChange: () => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export interface Feed {
  /** Connected, and heard of within the last heartbeats. */
  readonly healthy: boolean;
  /** Counts sessions; 0 before the first. */
  readonly session: number;
  /** Until when the feed can say that it delivered everything there was, monotonic milliseconds. */
  vouchedAtMs(): number;
  /** Why no events come; undefined while they do. */
  trouble(): string | undefined;
  stop(): Promise<void>;
}

/** How far this node has read. */
interface Cursor {
  /** When the stream was created: another stream has other sequence numbers. */
  readonly created: string;
  seq: number;
}

const NS_PER_MS = 1_000_000;
/** What the consumer's status says while all is well. */
const HARMLESS = new Set(['next', 'debug', 'discard']);

export function startFeed({ natsUrl, log, onEvent, onChange, monotonicMs }: FeedOptions): Feed {
  const stopping = new AbortController();
  let connection: NatsConnection | undefined;
  let cursor: Cursor | undefined;
  let session = 0;
  let healthy = false;
  let lostAtMs = -Infinity;
  let connected = false;
  /** What the attempts since the last session met; a hung server cuts its connections between them. */
  let notOpened: string | undefined;
  let endSession: ((why: string) => void) | undefined;
  const warn = createRepeatedWarning(log, 'feed not opened');
  const running = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      connection = await connect();
      if (connection === undefined) continue;
      if (stopping.signal.aborted) await connection.close();
      connected = true;
      void watchConnection(connection);
      void connection.closed().then(() => endSession?.('closed'));
      let missed = 0;
      while (!connection.isClosed()) {
        missed = connected ? 0 : missed + 1;
        if (connected) await readSession(connection).catch(onNotOpened);
        if (missed === FEED_RETRIES_UNTIL_GONE) notOpened = undefined;
        await delay(FEED_RETRY_MS, undefined, { signal: stopping.signal }).catch(ignoreAbort);
      }
    }
  }

  async function connect(): Promise<NatsConnection | undefined> {
    try {
      return await connectNats({ url: natsUrl, name: 'fanout', log });
    } catch (error) {
      // At a start it is a mistake that must show. Later, sockets are worth more: whoever changed the bus may change it back.
      if (session === 0) throw error;
      onNotOpened(error);
      await delay(FEED_RETRY_MS, undefined, { signal: stopping.signal }).catch(ignoreAbort);
      return undefined;
    }
  }

  /** Never ends: the library leaves these iterators open when the connection closes. */
  async function watchConnection(watched: NatsConnection): Promise<void> {
    for await (const { type } of watched.status()) {
      if (String(type) === 'reconnect') connected = true;
      if (String(type) !== 'disconnect') continue;
      connected = false;
      endSession?.('disconnected');
    }
  }

  function onNotOpened(error: unknown): void {
    if (stopping.signal.aborted) return;
    notOpened = describeNatsTrouble(error);
    warn({ err: error });
  }

  async function openConsumer(open: NatsConnection): Promise<{ name: string; created: string }> {
    const manager = await open.jetstreamManager({ timeout: FEED_CALL_DEADLINE_MS, checkAPI: false });
    // Whoever publishes makes it: without it there is nothing to read, and the next attempt is soon.
    const { created, state } = await manager.streams.info(SCORE_STREAM);
    const start = startOf(cursor, created, state.last_seq);
    const { name } = await manager.consumers.add(SCORE_STREAM, {
      name: `fanout-${randomUUID()}`,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: start,
      inactive_threshold: FEED_CONSUMER_LINGER_MS * NS_PER_MS,
      mem_storage: true,
      num_replicas: 1,
    });
    cursor = { created, seq: start - 1 };
    return { name, created };
  }

  /** Resolves when the session is over, for whatever reason. */
  async function readSession(open: NatsConnection): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    endSession = resolve;
    const { name, created } = await openConsumer(open);
    const consumer = await open
      .jetstream({ timeout: FEED_CALL_DEADLINE_MS })
      .consumers.get(SCORE_STREAM, name);
    let delivered = 0;
    const messages = await consumer.consume({
      max_messages: FEED_PULL_MESSAGES,
      expires: FEED_PULL_EXPIRES_MS,
      idle_heartbeat: FEED_HEARTBEAT_MS,
      abort_on_missing_resource: true,
      callback({ data, info: { deliverySequence, streamSequence } }) {
        if (endSession !== resolve) return;
        if (deliverySequence !== delivered + 1) return resolve('gap');
        delivered = deliverySequence;
        cursor = { created, seq: streamSequence };
        onEvent(data);
      },
    });
    void reportTrouble(await messages.status(), resolve);
    messages.closed().then(
      () => resolve('consumer closed'),
      () => resolve('consumer failed'),
    );
    onOpened();
    const why = await ended;
    onLost(why);
    await messages.close();
    // Best effort: a consumer that is left behind is forgotten by the server itself.
    if (!open.isClosed() && why !== 'disconnected') await consumer.delete().catch(() => false);
  }

  async function reportTrouble(
    statuses: AsyncIterable<{ type: unknown }>,
    report: (why: string) => void,
  ): Promise<void> {
    for await (const { type } of statuses) {
      if (!HARMLESS.has(String(type))) report(String(type));
    }
  }

  function onOpened(): void {
    session += 1;
    healthy = true;
    notOpened = undefined;
    log.info({ session, after: cursor?.seq }, 'feed opened');
    onChange();
  }

  function onLost(why: string): void {
    healthy = false;
    endSession = undefined;
    // Silence is noticed late: what counts is when the last sign of life can have been.
    lostAtMs = monotonicMs() - (why === 'heartbeats_missed' ? 2 * FEED_HEARTBEAT_MS : 0);
    if (stopping.signal.aborted) return;
    log.warn({ session, why }, 'feed lost');
    onChange();
  }

  return {
    get healthy() {
      return healthy;
    },
    get session() {
      return session;
    },
    trouble: () => (healthy ? undefined : (notOpened ?? (connected ? JETSTREAM_DISABLED : NOT_CONNECTED))),
    vouchedAtMs: () => (healthy ? monotonicMs() : lostAtMs),
    async stop() {
      stopping.abort();
      endSession?.('stopped');
      if (connection === undefined) return;
      await connection.close();
      await running;
    },
  };
}

/** The first event to read: right after the last one, or from the beginning of a stream that is new to us. */
export function startOf(cursor: Cursor | undefined, created: string, lastSeq: number): number {
  if (cursor === undefined) return lastSeq + 1;
  const isSameStream = cursor.created === created && cursor.seq <= lastSeq;
  return Math.max(isSameStream ? cursor.seq + 1 : 1, lastSeq + 1 - FEED_MAX_REPLAY);
}

function ignoreAbort(): void {}
