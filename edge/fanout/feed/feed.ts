/**
 * The stream of score events, read in sessions. Each session creates its own consumer, which starts right after the last event
 * read, so an interruption loses nothing. A session ends when anything is wrong with it: the connection is lost, heartbeats are
 * missed, there is a gap, or the consumer or the stream was deleted. The next session starts from the present state of the
 * server, even if that was wiped. A lost event would do no harm: polls repair boards.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '../../../services/shared/settings/secret.ts';
import { ForeignServerError } from '../../../services/shared/stores/deployment.ts';
import { natsNames } from '../../../services/shared/stores/names.ts';
import { connectNats, type NatsConnection } from '../../../services/shared/stores/nats/nats.ts';
import type { NatsAccess } from '../../../services/shared/stores/nats/nats-address.ts';
import {
  describeNatsTrouble,
  JETSTREAM_DISABLED,
  NOT_CONNECTED,
} from '../../../services/shared/stores/nats/nats-trouble.ts';
import type { Log } from '../../../services/shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../../services/shared/telemetry/repeated-log.ts';
import type { FanoutMetrics } from '../metrics/fanout-metrics.ts';
import { addConsumer, type Cursor, consumeEvents } from './event-consumer.ts';
import type { FindFeedStream } from './feed-stream.ts';
import { FEED_HEARTBEAT_MS, FEED_RETRIES_UNTIL_GONE, FEED_RETRY_MS } from './limits.ts';

export interface FeedOptions {
  natsUrl: Secret;
  natsAccess?: NatsAccess | undefined;
  namespace: string;
  findStream: FindFeedStream;
  log: Log;
  metrics: Pick<FanoutMetrics, 'feedSessions'>;
  /** Gets the bytes of one event. Must not throw. */
  onEvent: (payload: Uint8Array) => void;
  /** From now on every event is delivered. */
  onOpened: () => void;
  /** Events may be missing from this time on, in monotonic milliseconds. */
  onLost: (sinceMs: number) => void;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #stopping = new AbortController();
  readonly #warn: (fields: object) => void;
  #running: Promise<void> | undefined = undefined;
  #connection: NatsConnection | undefined = undefined;
  #isConnected = false;
  #cursor: Cursor | undefined = undefined;
  /** Counts sessions, from 1. */
  #session = 0;
  #isHealthy = false;
  /** Ends the current session; also set while it is being opened. */
  #endSession: ((why: string) => void) | undefined = undefined;
  /** Why the last attempt to open a session failed. A hung server cuts its connections between attempts. */
  #openTrouble: string | undefined = undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#warn = createRepeatedWarning(options.log, 'feed not opened');
  }

  /** Connected, and heard from within the last two heartbeats. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Why no events arrive; undefined while they do. */
  trouble(): string | undefined {
    if (this.#isHealthy) return undefined;
    return this.#openTrouble ?? (this.#isConnected ? JETSTREAM_DISABLED : NOT_CONNECTED);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endSession?.('stopped');
    if (this.#connection === undefined) return;
    await this.#connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const connection = await this.#connect();
      this.#connection = connection;
      if (connection === undefined) continue;
      if (signal.aborted) await connection.close();
      await this.#readSessions(connection);
    }
  }

  async #connect(): Promise<NatsConnection | undefined> {
    const { natsUrl: url, natsAccess, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      return await connectNats({ url, ...natsAccess, name: 'fanout', log, signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      // At the start a refusal is a mistake in the settings. Later the node keeps its sockets: the server may accept it again.
      if (this.#session === 0) throw error;
      this.#onNotOpened(error);
      await this.#pause();
      return undefined;
    }
  }

  /** Reads session after session until the connection is closed for good. */
  async #readSessions(connection: NatsConnection): Promise<void> {
    this.#isConnected = true;
    void this.#watchConnection(connection);
    void connection.closed().then(() => this.#endSession?.('closed'));
    let missed = 0;
    while (!connection.isClosed()) {
      missed = this.#isConnected ? 0 : missed + 1;
      if (this.#isConnected) await this.#readSession(connection).catch((error) => this.#onNotRead(error));
      if (missed === FEED_RETRIES_UNTIL_GONE) this.#openTrouble = undefined;
      await this.#pause();
    }
  }

  /** Does not return: the library leaves this iterator open even when the connection closes. */
  async #watchConnection(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (String(type) === 'reconnect') this.#isConnected = true;
      if (String(type) !== 'disconnect') continue;
      this.#isConnected = false;
      this.#endSession?.('disconnected');
    }
  }

  /** Resolves when the session is over. Rejects if it cannot be opened. */
  async #readSession(connection: NatsConnection): Promise<void> {
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    this.#endSession = end;
    const stream = await this.#options.findStream();
    const { name, from } = await addConsumer(connection, stream, this.#cursor);
    this.#cursor = from;
    const consumer = await consumeEvents(
      connection,
      { stream: stream.names.stream, name },
      {
        onEvent: (payload, seq) => {
          if (this.#endSession !== end) return;
          this.#cursor = { created: from.created, seq };
          this.#options.onEvent(payload);
        },
        onTrouble: end,
      },
    );
    this.#onOpened();
    const why = await ended;
    this.#onLost(why);
    await consumer.close({ remove: !connection.isClosed() && why !== 'disconnected' });
  }

  #onOpened(): void {
    this.#session += 1;
    this.#isHealthy = true;
    this.#openTrouble = undefined;
    const { log, metrics, onOpened } = this.#options;
    log.info({ session: this.#session, after: this.#cursor?.seq }, 'feed opened');
    metrics.feedSessions.inc();
    onOpened();
  }

  #onLost(why: string): void {
    const { log, onLost, monotonicMs } = this.#options;
    this.#isHealthy = false;
    this.#endSession = undefined;
    if (this.#stopping.signal.aborted) return;
    log.warn({ session: this.#session, why }, 'feed lost');
    // Missed heartbeats are noticed late: the last sign of life may be as old as two of them.
    onLost(monotonicMs() - (why === 'heartbeats_missed' ? 2 * FEED_HEARTBEAT_MS : 0));
  }

  #onNotRead(error: unknown): void {
    // As with a refusal: at the start the settings are wrong.
    if (this.#session === 0 && error instanceof ForeignServerError) throw error;
    this.#onNotOpened(error);
  }

  #onNotOpened(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#openTrouble = describeNatsTrouble(error, natsNames(this.#options.namespace).stream);
    // Before the first session the score service may still have to create the stream. A trouble that lasts is logged as that of
    // a dependency.
    if (this.#session === 0) this.#options.log.debug({ err: error }, 'feed not opened yet');
    else this.#warn({ err: error });
  }

  async #pause(): Promise<void> {
    await delay(FEED_RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(ignoreAbort);
  }
}

function ignoreAbort(): void {}
