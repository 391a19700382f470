/** The one door to NATS: a connection that never gives up, and the names and limits of the one stream. */
import {
  AckPolicy,
  type ConnectionOptions,
  type ConsumerMessages,
  connect,
  DeliverPolicy,
  DiscardPolicy,
  ErrorCode,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats';
import { Secret } from '../settings/secret.ts';
import type { Log } from '../telemetry/log.ts';

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
/** A server that is there speaks at once. One that took the connection and is silent must not keep us from the next attempt. */
const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that is silent for three of these is dead, and a new one is up within five seconds of the end of a fault. */
const PING_INTERVAL_MS = 1_000;
const MAX_PINGS_OUT = 2;

export interface NatsOptions {
  url: Secret | string;
  name: string;
  log: Log;
}

/** Below what a user's answers arrive, where permissions let nobody else listen. */
export const inboxOf = (user: string): string => `_INBOX.${user}`;

/** Waits for the first connection, then keeps it up for the life of the process. */
export async function connectNats({ url, name, log }: NatsOptions): Promise<NatsConnection> {
  const connection = await connect({
    ...parseAddress(Secret.of(url).reveal()),
    name,
    maxReconnectAttempts: -1,
    // Else each request records where it was made, which costs more than the request.
    noAsyncTraces: true,
    waitOnFirstConnect: true,
    timeout: CONNECT_TIMEOUT_MS,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
  });
  void watchStatus(connection, log);
  return connection;
}

type Address = Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'inboxPrefix'>;

/** The library takes no credentials from an address. A name without a password is a token, as everywhere with NATS. */
function parseAddress(url: string): Address {
  const address = URL.parse(url);
  if (address === null || address.username === '') return { servers: url };
  const [user, pass] = [decodeURIComponent(address.username), decodeURIComponent(address.password)];
  address.username = '';
  address.password = '';
  const servers = address.href;
  if (pass === '') return { servers, token: user };
  // Only a name that can stand in a subject.
  return { servers, user, pass, ...(/^[\w-]+$/.test(user) && { inboxPrefix: inboxOf(user) }) };
}

async function watchStatus(connection: NatsConnection, log: Log): Promise<void> {
  for await (const { type, data } of connection.status()) {
    if (type === 'pingTimer') continue;
    // At each attempt, for as long as an outage lasts: who depends on the connection tells of it.
    log.debug({ type, data: String(data) }, 'nats connection');
  }
}

/** No connection, or none that has answered yet. */
export const NOT_CONNECTED = 'not connected';

/** There is a connection, and JetStream says nothing. */
export const JETSTREAM_DISABLED =
  'JetStream is disabled or does not answer: free disk space if its disk is full, and restart nats-server ("npm start" restarts its own)';

/** Why NATS does not serve us while there is a connection, by the error of a call to JetStream, and what to do about it. */
export function describeNatsTrouble(error: unknown): string {
  if (error instanceof StreamUnfitError) return error.message;
  if (!(error instanceof NatsError)) return `JetStream can not be used: ${String(error)}`;
  const { code, api_error: refusal } = error;
  if (refusal?.err_code === STREAM_NOT_FOUND)
    return `the stream ${SCORE_STREAM} is missing: the score service makes it`;
  if (refusal?.err_code === NO_STORAGE)
    return `JetStream has no room for the stream ${SCORE_STREAM}: free disk space, or raise max_file_store, and restart nats-server`;
  // Of the account, or of the whole server.
  if (refusal?.code === 503) return JETSTREAM_DISABLED;
  if (refusal !== undefined) return `JetStream refuses: ${refusal.description}`;
  switch (code) {
    case ErrorCode.Timeout:
    case ErrorCode.NoResponders:
      return JETSTREAM_DISABLED;
    case ErrorCode.PermissionsViolation:
    case ErrorCode.AuthorizationViolation:
    case ErrorCode.BadAuthentication:
      return 'it refuses our user: give it the rights of services/provision/nats-users.ts, and check NATS_URL';
    case ErrorCode.ConnectionClosed:
    case ErrorCode.Disconnect:
      return NOT_CONNECTED;
    default:
      return `JetStream can not be used: ${error.message}`;
  }
}

/** What the stream must be like. Larger limits of an operator's choice are as good. */
const STREAM = {
  subjects: [ALL_SCORE_SUBJECTS],
  // Every fan-out node reads every event, and a full stream must take the newest.
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
  max_age: STREAM_MAX_AGE_NS,
  max_bytes: STREAM_MAX_BYTES,
  duplicate_window: DUPLICATE_WINDOW_NS,
};
/** The stream does not exist. */
const STREAM_NOT_FOUND = 10_059;
/** "insufficient storage resources available" */
const NO_STORAGE = 10_047;

/** The stream is there and can not be made to keep our promises: only an operator can help. */
export class StreamUnfitError extends Error {
  override readonly name = 'StreamUnfitError';
}

/**
 * Creates the stream when it is missing, so that a wiped server heals by itself, and brings one that would break a promise
 * to our limits. Rejects with StreamUnfitError when that is refused.
 */
export async function ensureScoreStream(manager: JetStreamManager): Promise<void> {
  const config = await readStream(manager);
  if (config === undefined) {
    await manager.streams.add({ name: SCORE_STREAM, ...STREAM });
    return;
  }
  const changes = changesNeeded(config);
  if (Object.keys(changes).length === 0) return;
  try {
    await manager.streams.update(SCORE_STREAM, { ...config, ...changes });
  } catch (cause) {
    // A server that does not answer refuses nothing.
    if (!(cause instanceof NatsError) || cause.api_error === undefined) throw cause;
    throw new StreamUnfitError(
      `run "nats stream rm ${SCORE_STREAM}" (it is made anew, and nothing is lost): the stream's ${Object.keys(changes).join(', ')} can not be changed to what is needed: ${cause.message}`,
      { cause },
    );
  }
}

async function readStream(manager: JetStreamManager): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(SCORE_STREAM)).config;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/** What must change in a stream so that it takes, keeps and hands on every event as promised. Exported for its tests. */
export function changesNeeded(config: StreamConfig): Partial<StreamConfig> {
  const changes: Partial<StreamConfig> = {};
  const isAtLeast = (value: number, needed: number) => value <= 0 || value >= needed;
  if (!config.subjects?.includes(ALL_SCORE_SUBJECTS)) changes.subjects = STREAM.subjects;
  if (config.retention !== STREAM.retention) changes.retention = STREAM.retention;
  if (config.discard !== STREAM.discard) changes.discard = STREAM.discard;
  if (config.storage !== STREAM.storage) changes.storage = STREAM.storage;
  if (!isAtLeast(config.max_age, STREAM.max_age)) changes.max_age = STREAM.max_age;
  if (!isAtLeast(config.max_bytes, STREAM.max_bytes)) changes.max_bytes = STREAM.max_bytes;
  if (config.duplicate_window < STREAM.duplicate_window) changes.duplicate_window = STREAM.duplicate_window;
  // A limit of its own kind would throw events away, or refuse large ones.
  if (config.max_msgs > 0) changes.max_msgs = -1;
  if (config.max_msgs_per_subject > 0) changes.max_msgs_per_subject = -1;
  if (config.max_msg_size > 0) changes.max_msg_size = -1;
  // Without acknowledgements nothing could ever be settled.
  if (config.no_ack) changes.no_ack = false;
  return changes;
}
