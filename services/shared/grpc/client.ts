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
import { AppError } from '../errors/app-error.ts';
import { generalReason, kindOfCode } from '../errors/error-table.ts';
import { decodeStatusDetails } from '../errors/status-details.ts';
import { Secret } from '../settings/secret.ts';
import { type ChannelOptions, type Channels, createChannels } from './channels.ts';
import { type Conversation, createConversation } from './conversation.ts';
import {
  ANSWER_LIMIT_HEADER,
  conversationOf,
  DETAILS_TRAILER,
  methodDefinition,
  REQUEST_ID_HEADER,
  SERVICE_KEY_HEADER,
  type Unary,
} from './methods.ts';

type AnyService = GenService<GenServiceMethods>;

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

/** One connection to one service, kept up for the life of the process. Connects on first use. */
export function createGrpcClient<S extends AnyService>(
  service: S,
  options: ChannelOptions & {
    /** Methods that are called all the time: they go over one stream each. They carry no request id. */
    conversations?: readonly (keyof Unary<S>)[];
  },
): GrpcClient<S> {
  const { unavailable, conversations = [] } = options;
  const channels = createChannels(options);
  const metadataOf = createMetadata(options);
  const client: Record<string, unknown> = {};
  const held: Conversation[] = [];
  for (const method of service.methods) {
    if (method.methodKind !== 'unary') continue;
    let call = callOf(channels, service, method, metadataOf);
    if (conversations.includes(method.localName as keyof Unary<S>)) {
      const conversation = converse(channels, service, method, metadataOf);
      held.push(conversation);
      call = preferring(conversation, call);
    }
    client[method.localName] = async (request: object, callOptions: CallOptions) => {
      const message = create(method.input, request as MessageInitShape<DescMessage>);
      try {
        return await call(message, callOptions);
      } catch (error) {
        throw fromServiceError(error as grpc.ServiceError, unavailable);
      }
    };
  }
  client.close = () => {
    for (const conversation of held) conversation.close();
    channels.close();
  };
  return client as GrpcClient<S>;
}

type CreateMetadata = (requestId?: string) => grpc.Metadata;
type Call = (message: object, options: CallOptions) => Promise<unknown>;

/** A peer that knows no conversations may be one that does by then. */
const TRY_CONVERSATION_AGAIN_MS = 60_000;

function createMetadata(options: ChannelOptions): CreateMetadata {
  const serviceKey = options.serviceKey === undefined ? undefined : Secret.of(options.serviceKey);
  return (requestId) => {
    const metadata = new grpc.Metadata();
    if (serviceKey !== undefined) metadata.set(SERVICE_KEY_HEADER, serviceKey.reveal());
    if (requestId !== undefined) metadata.set(REQUEST_ID_HEADER, requestId);
    return metadata;
  };
}

/** One call for one request. Rejects with the library's error. */
function callOf(
  channels: Channels,
  service: AnyService,
  method: DescMethod,
  metadataOf: CreateMetadata,
): Call {
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

/**
 * In a conversation. A refusal ends it for all who wait, and may not have been meant for this request, so that is then called
 * for its own verdict; and while the peer is of a version before there were any conversations, everything is called.
 */
function preferring(conversation: Conversation, call: Call): Call {
  let callsUntilMs = 0;
  return async (message, options) => {
    const askedMs = performance.now();
    if (askedMs < callsUntilMs) return call(message, options);
    try {
      return await conversation.ask(message, options.deadlineMs);
    } catch (error) {
      const { code, metadata } = error as grpc.ServiceError;
      const isUnknown = code === grpc.status.UNIMPLEMENTED;
      if (isUnknown) callsUntilMs = performance.now() + TRY_CONVERSATION_AGAIN_MS;
      const isRefusal = metadata !== undefined && metadata.get(DETAILS_TRAILER).length > 0;
      if (!isUnknown && !isRefusal) throw error;
      // Within the time that its caller gave it, not in a time of its own.
      return call(message, { ...options, deadlineMs: options.deadlineMs - (performance.now() - askedMs) });
    }
  };
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

/** The stream ended before the answer was whole. The library calls that internal, but it is the way to the peer that failed. */
function isCutOff({ code, details }: grpc.ServiceError): boolean {
  return code === grpc.status.INTERNAL && /^(?:Received RST_STREAM|Write error)/.test(details);
}

function fromServiceError(error: grpc.ServiceError, unavailable: ChannelOptions['unavailable']): AppError {
  const trailer = error.metadata?.get(DETAILS_TRAILER)[0];
  const described = trailer instanceof Buffer ? decodeStatusDetails(trailer) : undefined;
  if (described !== undefined) return described;
  const kind = isCutOff(error) ? 'unavailable' : kindOfCode(error.code);
  return new AppError(generalReason(kind, unavailable), { cause: error });
}
