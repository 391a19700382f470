/** A gRPC client: one typed function per method, over one connection that is replaced before it is old or when it is dead. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import * as grpc from '@grpc/grpc-js';
import { AppError } from '../app-error.ts';
import { generalReason, kindOfCode } from '../error-table.ts';
import { Secret } from '../secret.ts';
import type { ServiceIdentity } from '../service-identity.ts';
import type { ServiceName } from '../service-keys.ts';
import { decodeStatusDetails } from '../status-details.ts';
import { type Conversation, createConversation } from './conversation.ts';
import { clientCredentials } from './credentials.ts';
import {
  ANSWER_LIMIT_HEADER,
  conversationOf,
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
  /** Methods that go over a conversation, by their local names. */
  conversations?: readonly string[];
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
  const { unavailable, conversations = [] } = options;
  const channels = createChannels(options);
  const metadataOf = createMetadata(options);
  const client: Record<string, unknown> = {};
  const open: Conversation[] = [];
  for (const method of service.methods) {
    if (method.methodKind !== 'unary') continue;
    const isConversation = conversations.includes(method.localName);
    const conversation = isConversation ? converse(channels, service, method, metadataOf) : undefined;
    if (conversation !== undefined) open.push(conversation);
    const call = callOf(channels, service, method, metadataOf);
    client[method.localName] = async (request: object, callOptions: CallOptions) => {
      const message = create(method.input, request as MessageInitShape<DescMessage>);
      try {
        return await (conversation?.ask(message, callOptions.deadlineMs) ?? call(message, callOptions));
      } catch (error) {
        throw fromServiceError(error as grpc.ServiceError, unavailable);
      }
    };
  }
  client.close = () => {
    for (const conversation of open) conversation.close();
    channels.close();
  };
  return client as GrpcClient<S>;
}

type AnyService = GenService<GenServiceMethods>;
type CreateMetadata = (requestId?: string) => grpc.Metadata;

function createMetadata(options: GrpcClientOptions): CreateMetadata {
  const serviceKey = options.serviceKey === undefined ? undefined : Secret.of(options.serviceKey);
  return (requestId) => {
    const metadata = new grpc.Metadata();
    if (serviceKey !== undefined) metadata.set(SERVICE_KEY_HEADER, serviceKey.reveal());
    if (requestId !== undefined) metadata.set(REQUEST_ID_HEADER, requestId);
    return metadata;
  };
}

/** One call for one request. Rejects with the library's error. */
function callOf(channels: Channels, service: AnyService, method: DescMethod, metadataOf: CreateMetadata) {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(service, method);
  return (message: object, { deadlineMs, requestId }: CallOptions) =>
    new Promise<unknown>((resolve, reject) => {
      const channel = channels.take();
      channel.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message as never,
        metadataOf(requestId),
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          channels.giveBack(channel, error);
          if (error === null) resolve(response);
          else reject(error);
        },
      );
    });
}

function converse(
  channels: Channels,
  service: AnyService,
  method: DescMethod,
  metadataOf: CreateMetadata,
): Conversation {
  const definition = methodDefinition(service, conversationOf(service, method));
  return createConversation({
    open(deadlineMs) {
      const channel = channels.take();
      const metadata = metadataOf();
      metadata.set(ANSWER_LIMIT_HEADER, String(deadlineMs));
      const { path, requestSerialize, responseDeserialize } = definition;
      const stream = channel.client.makeBidiStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        metadata,
      );
      return {
        stream,
        isOld: () => channels.isOld(channel),
        onEnd: (failure) => channels.giveBack(channel, failure),
      };
    },
  });
}

interface Channel {
  readonly client: grpc.Client;
  readonly openedAtMs: number;
  calls: number;
}

type Channels = ReturnType<typeof createChannels>;

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
  function isStuck({ client }: Channel, error: Pick<grpc.ServiceError, 'code'> | null): boolean {
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

  const isOld = (channel: Channel) =>
    channel !== newest || performance.now() - channel.openedAtMs >= sessions.renewAfterMs;

  return {
    isOld,
    /** For one call, to be given back at its end. */
    take(): Channel {
      if (isOld(newest)) replace();
      newest.calls += 1;
      return newest;
    },
    giveBack(channel: Channel, error: Pick<grpc.ServiceError, 'code'> | null): void {
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
