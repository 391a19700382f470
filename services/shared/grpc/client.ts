/** A gRPC client: one typed function per method, over one connection that is replaced before it is old or when it is dead. */
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import * as grpc from '@grpc/grpc-js';
import { AppError } from '../app-error.ts';
import { generalReason, kindOfCode } from '../error-table.ts';
import { Secret } from '../secret.ts';
import type { ServiceIdentity } from '../service-identity.ts';
import type { ServiceName } from '../service-keys.ts';
import { decodeStatusDetails } from '../status-details.ts';
import { clientCredentials } from './credentials.ts';
import {
  DETAILS_TRAILER,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
  methodDefinition,
  REQUEST_ID_HEADER,
  SERVICE_KEY_HEADER,
  type Unary,
} from './methods.ts';
import { SESSION_LIMITS, type SessionLimits } from './session-limits.ts';

/** A peer that restarts in under a second should be back on the line in about that. */
const MIN_RECONNECT_BACKOFF_MS = 100;
const MAX_RECONNECT_BACKOFF_MS = 1_000;
/** Longer than a connection on any network takes, short enough to be well again within seconds. */
const CONNECT_LIMIT_MS = 2_000;

export interface CallOptions {
  /** Milliseconds until the call fails with DEADLINE_EXCEEDED. */
  deadlineMs: number;
  requestId?: string;
}

export type GrpcClient<S> = {
  [K in keyof Unary<S>]: (
    request: MessageInitShape<Unary<S>[K]['input']>,
    options: CallOptions,
  ) => Promise<MessageShape<Unary<S>[K]['output']>>;
} & { close(): void };

export type GrpcClientOptions = ServiceIdentity & {
  /** host:port */
  address: string;
  /** The reason that a caller is told when nobody answers at the address. */
  unavailable: 'AUTH_UNAVAILABLE' | 'SCORE_UNAVAILABLE';
  sessions?: Pick<SessionLimits, 'renewAfterMs' | 'leaveAfterMs'>;
};

/** Whose certificate the server has to show. */
const PEERS: Readonly<Record<GrpcClientOptions['unavailable'], ServiceName>> = {
  AUTH_UNAVAILABLE: 'auth',
  SCORE_UNAVAILABLE: 'score',
};

/** One connection to one service, kept up for the life of the process. Connects on first use. */
export function createGrpcClient<S extends GenService<GenServiceMethods>>(
  service: S,
  options: GrpcClientOptions,
): GrpcClient<S> {
  const { unavailable } = options;
  const serviceKey = options.serviceKey === undefined ? undefined : Secret.of(options.serviceKey);
  const channels = createChannels(options);
  const client: Record<string, unknown> = { close: channels.close };
  for (const method of service.methods) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(service, method);
    client[method.localName] = (request: object, { deadlineMs, requestId }: CallOptions) =>
      new Promise((resolve, reject) => {
        const metadata = new grpc.Metadata();
        if (serviceKey !== undefined) metadata.set(SERVICE_KEY_HEADER, serviceKey.reveal());
        if (requestId !== undefined) metadata.set(REQUEST_ID_HEADER, requestId);
        const channel = channels.take();
        channel.client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(method.input, request as MessageInitShape<DescMessage>) as never,
          metadata,
          { deadline: Date.now() + deadlineMs },
          (error, response) => {
            channels.giveBack(channel, error);
            if (error === null) resolve(response);
            else reject(fromServiceError(error, unavailable));
          },
        );
      });
  }
  return client as GrpcClient<S>;
}

interface Channel {
  readonly client: grpc.Client;
  readonly openedAtMs: number;
  calls: number;
}

/** The channel that calls go over, and those before it that still have calls under way. */
function createChannels({ address, unavailable, tls, sessions = SESSION_LIMITS }: GrpcClientOptions) {
  const peer = PEERS[unavailable];
  const credentials = clientCredentials(tls, peer);
  const options: grpc.ChannelOptions = {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.client_idle_timeout_ms': sessions.leaveAfterMs,
    'grpc.initial_reconnect_backoff_ms': MIN_RECONNECT_BACKOFF_MS,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
    // Retries belong to the outermost layer alone.
    'grpc.enable_retries': 0,
    // A replaced channel must not find the connection again that it was replaced for.
    'grpc.use_local_subchannel_pool': 1,
    // The address may be a number, which is no name that TLS could ask for.
    ...(tls && { 'grpc.ssl_target_name_override': peer }),
  };
  const open = (): Channel => ({
    client: new grpc.Client(address, credentials, options),
    openedAtMs: performance.now(),
    calls: 0,
  });
  let newest = open();
  let connectingSinceMs: number | undefined;

  /** The library waits for ever for a peer that takes the connection and then says nothing: such a channel is replaced. */
  function isStuck({ client }: Channel, error: grpc.ServiceError | null): boolean {
    const isConnecting =
      error?.code === grpc.status.DEADLINE_EXCEEDED &&
      client.getChannel().getConnectivityState(false) === grpc.connectivityState.CONNECTING;
    if (!isConnecting) {
      connectingSinceMs = undefined;
      return false;
    }
    connectingSinceMs ??= performance.now();
    return performance.now() - connectingSinceMs >= CONNECT_LIMIT_MS;
  }

  function replace(): void {
    const old = newest;
    newest = open();
    connectingSinceMs = undefined;
    if (old.calls === 0) old.client.close();
  }

  return {
    /** For one call, to be given back at its end. */
    take(): Channel {
      if (performance.now() - newest.openedAtMs >= sessions.renewAfterMs) replace();
      newest.calls += 1;
      return newest;
    },
    giveBack(channel: Channel, error: grpc.ServiceError | null): void {
      channel.calls -= 1;
      if (channel !== newest) {
        if (channel.calls === 0) channel.client.close();
      } else if (isStuck(channel, error)) replace();
    },
    close: () => newest.client.close(),
  };
}

/** The stream ended before the answer was whole. The library calls that internal, but it is the way to the peer that failed. */
function isCutOff({ code, details }: grpc.ServiceError): boolean {
  return code === grpc.status.INTERNAL && details.startsWith('Received RST_STREAM');
}

function fromServiceError(error: grpc.ServiceError, unavailable: GrpcClientOptions['unavailable']): AppError {
  const trailer = error.metadata?.get(DETAILS_TRAILER)[0];
  const described = trailer instanceof Buffer ? decodeStatusDetails(trailer) : undefined;
  if (described !== undefined) return described;
  const kind = isCutOff(error) ? 'unavailable' : kindOfCode(error.code);
  return new AppError(generalReason(kind, unavailable), { cause: error });
}
