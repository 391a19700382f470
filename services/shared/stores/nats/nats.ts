/** The one door to NATS: a connection that always reconnects, and that says why it can't be made. */
import { setTimeout as delay } from 'node:timers/promises';
import { checkServerIdentity } from 'node:tls';
import {
  AckPolicy,
  type ConnectionOptions,
  type ConsumerMessages,
  connect,
  credsAuthenticator,
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
import { Secret } from '../../settings/secret.ts';
import type { Log } from '../../telemetry/log.ts';
import { createRepeatedWarning } from '../../telemetry/repeated-log.ts';
import { describeTlsTrouble, tlsOptionsOf } from '../tls-files.ts';
import {
  describeNatsAddresses,
  groupByLogin,
  isNumeric,
  type NatsAccess,
  type NatsAddress,
  parseNatsAddresses,
} from './nats-address.ts';

export type { ConsumerMessages, JetStreamClient, JetStreamManager, NatsConnection, StreamConfig };
export { AckPolicy, DeliverPolicy, DiscardPolicy, ErrorCode, NatsError, RetentionPolicy, StorageType };

const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 250;
/** A server that works speaks at once. One that accepts the connection and is silent must not delay the next attempt. */
const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that is silent for three of these is dead. A new one is up within five seconds of the end of a fault. */
const PING_INTERVAL_MS = 1_000;
const MAX_PINGS_OUT = 2;
/** A connection with one of several credentials closes after this many attempts at each server, and others are tried: three seconds. */
const ATTEMPTS_PER_LOGIN = 8;

export interface NatsOptions extends NatsAccess {
  url: Secret | string;
  name: string;
  log: Log;
  /** Ends the wait for a server. */
  signal?: AbortSignal;
}

/** No server can be used, for a reason that waiting does not change. The message names the addresses, without passwords. */
export class NatsRefusedError extends Error {
  override readonly name = 'NatsRefusedError';
  readonly why: string;

  constructor(at: string, why: string, cause: unknown) {
    super(`NATS at ${at}: ${why}`, { cause });
    this.why = why;
  }
}

/** The prefix of the subjects on which a user's answers arrive. Permissions keep other users from listening there. */
export const inboxOf = (user: string): string => `_INBOX.${user}`;

/**
 * Waits for the first connection, then reconnects for the life of the process. Rejects with NatsRefusedError if no server accepts us
 * and one refuses us: a wrong password, a certificate that is not trusted.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  const { url, log, signal } = options;
  const addresses = parseNatsAddresses(Secret.of(url).reveal());
  const logins = groupByLogin(addresses);
  const warn = createRepeatedWarning(log, 'NATS does not answer');
  for (;;) {
    signal?.throwIfAborted();
    const found = await findUsable(options, addresses);
    if ('usable' in found) {
      const group = logins.find((each) => each.includes(found.usable)) ?? addresses;
      const connection = await connect({
        ...connectionOptions(options, group),
        // Otherwise each request records its stack, which costs more than the request.
        noAsyncTraces: true,
        maxReconnectAttempts: logins.length === 1 ? -1 : ATTEMPTS_PER_LOGIN,
        waitOnFirstConnect: logins.length === 1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        reconnectJitter: RECONNECT_JITTER_MS,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: MAX_PINGS_OUT,
      });
      void watchStatus(connection, log);
      return connection;
    }
    const refusal = found.errors.map(describeRefusal).find((text) => text !== undefined);
    if (refusal !== undefined)
      throw new NatsRefusedError(describeNatsAddresses(url), refusal, found.errors[0]);
    warn({ err: found.errors[0] });
    await delay(RECONNECT_WAIT_MS, undefined, signal && { signal });
  }
}

/**
 * Tries each address on its own, because the library waits for a server that refuses us as it does for one that is away. Resolves
 * with the first that accepts us, or with the error of each.
 */
async function findUsable(
  options: NatsOptions,
  addresses: readonly NatsAddress[],
): Promise<{ usable: NatsAddress } | { errors: readonly unknown[] }> {
  const tries = addresses.map(async (address) => {
    const connection = await connect({ ...connectionOptions(options, [address]), reconnect: false });
    await connection.close();
    return address;
  });
  try {
    return { usable: await Promise.any(tries) };
  } catch (error) {
    return { errors: error instanceof AggregateError ? error.errors : [error] };
  }
}

/** What all attempts have in common. The addresses have the same credentials, which the library does not take from them. */
function connectionOptions(
  { name, tls, credentials }: NatsOptions,
  addresses: readonly NatsAddress[],
): ConnectionOptions {
  const login = addresses[0]?.login;
  const user = login?.user ?? '';
  const usesTls = tls !== undefined || addresses.some((address) => address.tls);
  return {
    servers: addresses.map(({ server }) => server),
    name,
    timeout: CONNECT_TIMEOUT_MS,
    ...(login?.pass === undefined
      ? user !== '' && { token: user }
      : { user, pass: login.pass.reveal(), ...inboxFor(user) }),
    // The library wants a line end after the last line.
    ...(credentials !== undefined && {
      authenticator: credsAuthenticator(new TextEncoder().encode(`${credentials.reveal()}\n`)),
    }),
    ...(usesTls && { tls: { ...(tls && tlsOptionsOf(tls)), ...checkNumeric(addresses) } }),
  };
}

/** Only a name that a subject may contain. */
const inboxFor = (user: string) => (/^[\w-]+$/.test(user) ? { inboxPrefix: inboxOf(user) } : {});

/** The library passes no host name for an address that is a number, and the certificate would have to be for "localhost". */
function checkNumeric(addresses: readonly NatsAddress[]) {
  if (!addresses.some(isNumeric)) return {};
  const check: typeof checkServerIdentity = (name, certificate) => {
    const faults = addresses.map(({ hostname }) => checkServerIdentity(hostname, certificate));
    return faults.includes(undefined) ? undefined : (faults[0] ?? checkServerIdentity(name, certificate));
  };
  return { checkServerIdentity: check };
}

const REFUSALS: ReadonlySet<string> = new Set([
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.AccountExpired,
  ErrorCode.BadAuthentication,
  ErrorCode.BadCreds,
]);

/** Why a server refuses us; undefined if it is only away. */
function describeRefusal(error: unknown): string | undefined {
  if (error instanceof NatsError && REFUSALS.has(error.code))
    return `it refuses our user (${error.message}): check the names and passwords in NATS_URL, or NATS_CREDENTIALS`;
  if (error instanceof NatsError && error.code === ErrorCode.ServerOptionNotAvailable)
    return 'it offers no TLS: give it a certificate, or begin NATS_URL with nats:// and leave out the certificates';
  return describeTlsTrouble(error, 'NATS');
}

async function watchStatus(connection: NatsConnection, log: Log): Promise<void> {
  for await (const { type, data } of connection.status()) {
    if (type === 'pingTimer') continue;
    // Occurs at each attempt during an outage, which the users of the connection report. Of a cluster, data lists its servers.
    log.debug({ type, data }, 'nats connection');
  }
}
