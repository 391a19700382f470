/**
 * The bus as the score service uses it. Scores are accepted without it, so the service does not wait for it: it starts,
 * publishes as soon as NATS is there, and leaves everything to the outbox until then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import { connectNats, ensureScoreStream, type NatsConnection, StreamUnfitError } from '../shared/nats.ts';
import type { Secret } from '../shared/secret.ts';
import { createPublisher, type Publisher } from './publisher.ts';

export interface Bus extends Publisher {
  /** Leaves. Whoever still waits for an acknowledgement gets none. */
  close(): Promise<void>;
}

export interface BusOptions {
  natsUrl: Secret;
  clock: Clock;
  log: Log;
}

/** A bus that is there answers long before; one that is not must not hold up the start. */
const START_PATIENCE_MS = 2_000;
const RETRY_EVERY_MS = 500;

/** Resolves when the bus is ready, or without it after a moment. Rejects when its stream can not keep our promises. */
export async function openBus({ natsUrl, clock, log }: BusOptions): Promise<Bus> {
  const closing = new AbortController();
  let connection: NatsConnection | undefined;
  let publisher: Publisher | undefined;

  async function open(): Promise<void> {
    connection = await connectNats({ url: natsUrl, name: 'scoreboard-score', log });
    if (closing.signal.aborted) return connection.close();
    while (!closing.signal.aborted) {
      try {
        await ensureScoreStream(await connection.jetstreamManager());
        publisher = createPublisher({ nats: connection, clock });
        void keepStream(connection);
        void connection.closed().then(openAgain);
        return;
      } catch (error) {
        if (error instanceof StreamUnfitError) throw error;
        log.warn({ err: error }, 'the stream of scores could not be opened yet');
      }
      await delay(RETRY_EVERY_MS, undefined, { signal: closing.signal }).catch(ignoreAbort);
    }
  }

  /** A server that comes back may have lost its store, and readers wait for the stream before anything is published. */
  async function keepStream(kept: NatsConnection): Promise<void> {
    for await (const { type } of kept.status()) {
      if (type !== 'reconnect') continue;
      await kept
        .jetstreamManager({ checkAPI: false })
        .then(ensureScoreStream)
        .catch((error: unknown) => log.warn({ err: error }, 'the stream of scores could not be looked at'));
    }
  }

  /** The library gives up on a server that refuses us twice; whoever changed its users may change them back. */
  async function openAgain(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        return await open();
      } catch (error) {
        if (error instanceof StreamUnfitError) throw error;
        log.error({ err: error }, 'the bus refuses us');
      }
      await delay(RETRY_EVERY_MS, undefined, { signal: closing.signal }).catch(ignoreAbort);
    }
  }

  const opening = open();
  try {
    await Promise.race([opening, delay(START_PATIENCE_MS, undefined, { ref: false })]);
  } catch (error) {
    await connection?.close();
    throw error;
  }
  if (publisher === undefined) log.warn('the bus is not there: starting without it');
  // A stream that is found unfit later is caught by nobody: the process ends, and refuses to start with the same line.
  void opening.then(() => log.info('the bus is there'));

  return {
    ready: () => publisher?.ready() ?? false,
    publish(batchId, projected) {
      if (publisher === undefined) return Promise.reject(new Error('the bus was never there'));
      return publisher.publish(batchId, projected);
    },
    async close() {
      closing.abort();
      await connection?.close();
    },
  };
}

function ignoreAbort(): void {}
