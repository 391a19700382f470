/**
 * NATS for those who publish events. Scores are accepted and boards served without it, so a service does not wait for it: it
 * starts, and publishes as soon as JetStream answers. A connection says little: JetStream can be disabled, or its stream
 * deleted or changed, while the server answers. So the service that keeps the stream looks at it again and again, and mends it
 * where we may; another learns from what it publishes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../settings/clock.ts';
import type { Secret } from '../settings/secret.ts';
import {
  connectNats,
  describeNatsTrouble,
  ensureScoreStream,
  JETSTREAM_DISABLED,
  type NatsConnection,
  NOT_CONNECTED,
  StreamUnfitError,
} from '../stores/nats.ts';
import type { Log } from '../telemetry/log.ts';
import { createPublisher, type Publisher } from './publisher.ts';

export interface Bus extends Publisher {
  /** Why events do not get through; undefined while they do. */
  trouble(): string | undefined;
  /** Leaves. A publishing under way gets no acknowledgement. */
  close(): Promise<void>;
}

export interface BusOptions {
  natsUrl: Secret;
  /** Shown in the server's list of connections. */
  name: string;
  /** Creates the stream and brings it to our limits. False for a user of the bus that may only publish. */
  keepsStream: boolean;
  clock: Clock;
  log: Log;
}

/** A NATS that is there answers long before; one that is not must not hold up the start. */
const START_PATIENCE_MS = 2_000;
const CONNECT_AGAIN_MS = 500;
/** One small request a second finds a disabled JetStream within three seconds. */
const LOOK_EVERY_MS = 1_000;
const LOOK_LIMIT_MS = 2_000;
/** A publishing that failed is repeated by then, if anything waits: a trouble that is older may be over. */
const PUBLISH_TROUBLE_HOLDS_MS = 10_000;
/** A hung server cuts its connections now and then, for less than so many looks; that is still the same trouble. */
const LOOKS_UNTIL_GONE = 3;

/** Resolves when the stream is there, or without NATS after a moment. Rejects when NATS refuses us or the stream is unfit. */
export async function openBus({ natsUrl, name, keepsStream, clock, log }: BusOptions): Promise<Bus> {
  const closing = new AbortController();
  const opened = Promise.withResolvers<void>();
  let connection: NatsConnection | undefined;
  let publisher: Publisher | undefined;
  let isUsable = false;
  let lookTrouble: string | undefined;
  let publishTrouble: { readonly text: string; readonly atMs: number } | undefined;
  const isConnected = () => publisher?.ready() ?? false;
  const ready = () => isUsable && isConnected();

  function onRefused(error: unknown): void {
    isUsable = false;
    lookTrouble = describeNatsTrouble(error);
    log.debug({ err: error }, 'NATS can not be used');
  }

  /** Makes the stream when it is missing: readers wait for it before anything is published. */
  async function look(nats: NatsConnection): Promise<void> {
    try {
      if (keepsStream)
        await ensureScoreStream(await nats.jetstreamManager({ timeout: LOOK_LIMIT_MS, checkAPI: false }));
      isUsable = true;
      lookTrouble = undefined;
      opened.resolve();
    } catch (error) {
      onRefused(error);
      if (error instanceof StreamUnfitError) opened.reject(error);
    }
  }

  /** Ends when the library has given up the connection, as it does when a server refuses us twice. */
  async function keepLooking(nats: NatsConnection): Promise<void> {
    let missed = 0;
    while (!nats.isClosed()) {
      missed = isConnected() ? 0 : missed + 1;
      if (missed === 0) await look(nats);
      if (missed === LOOKS_UNTIL_GONE) lookTrouble = undefined;
      await delay(LOOK_EVERY_MS, undefined, { ref: false });
    }
  }

  async function connect(): Promise<NatsConnection> {
    const nats = await connectNats({ url: natsUrl, name, log });
    connection = nats;
    publisher = createPublisher({ nats, clock, keepsStream });
    if (closing.signal.aborted) await nats.close();
    return nats;
  }

  /** A server whose users were changed refuses us until they are changed back. */
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await keepLooking(await connect());
      } catch (error) {
        onRefused(error);
        opened.reject(error);
      }
      await delay(CONNECT_AGAIN_MS, undefined, { signal: closing.signal }).catch(ignoreAbort);
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await connection?.close();
  }

  void run();
  try {
    await Promise.race([opened.promise, delay(START_PATIENCE_MS, undefined, { ref: false })]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ready,
    trouble() {
      if (!ready()) return lookTrouble ?? (isConnected() ? JETSTREAM_DISABLED : NOT_CONNECTED);
      const isRecent = publishTrouble && performance.now() - publishTrouble.atMs < PUBLISH_TROUBLE_HOLDS_MS;
      return isRecent ? publishTrouble?.text : undefined;
    },
    async publish(batchId, projected) {
      if (publisher === undefined) throw new Error('NATS was never connected');
      try {
        await publisher.publish(batchId, projected);
        publishTrouble = undefined;
      } catch (error) {
        publishTrouble = { text: describeNatsTrouble(error), atMs: performance.now() };
        throw error;
      }
    },
    close,
  };
}

function ignoreAbort(): void {}
