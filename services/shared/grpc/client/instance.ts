/** One instance of a service: calls and conversations over its own connection, and what tells how busy it is. */
import type { DescMethod } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import * as grpc from '@grpc/grpc-js';
import { Secret } from '../../settings/secret.ts';
import {
  ANSWER_LIMIT_HEADER,
  type CallOptions,
  conversationOf,
  DETAILS_TRAILER,
  methodDefinition,
  REQUEST_ID_HEADER,
  SERVICE_KEY_HEADER,
} from '../transport/methods.ts';
import { type ChannelOptions, type Channels, createChannels } from './channels.ts';
import { type Conversation, createConversation } from './conversation.ts';

type AnyService = GenService<GenServiceMethods>;
type CreateMetadata = (requestId?: string) => grpc.Metadata;
type Call = (message: object, options: CallOptions) => Promise<unknown>;

export type InstanceOptions = ChannelOptions & {
  readonly service: AnyService;
  /** Local names of the methods with many calls. */
  readonly conversations: readonly string[];
};

/** How willing an instance is to take a request; a smaller one is asked first. */
export const standings = { connected: 0, unknown: 1, failing: 2 } as const;

export type Instance = ReturnType<typeof createInstance>;

/** A peer without conversations may have been upgraded by then. */
const TRY_CONVERSATION_AGAIN_MS = 60_000;
/** How long other instances are preferred to one that did not answer. Then one request finds out whether it does again. */
const AVOID_MS = 1_000;

export function createInstance(address: string, { service, conversations, ...options }: InstanceOptions) {
  const channels = createChannels(address, options);
  const metadataOf = createMetadata(options);
  const calls = new Map<string, Call>();
  const held: Conversation[] = [];
  let outstanding = 0;
  let requests = 0;
  let avoidUntilMs = 0;
  for (const method of service.methods) {
    if (method.methodKind !== 'unary') continue;
    let call = callOf(channels, service, method, metadataOf);
    if (conversations.includes(method.localName)) {
      const conversation = converse(channels, service, method, metadataOf);
      held.push(conversation);
      call = preferring(conversation, call);
    }
    calls.set(method.localName, call);
  }

  return {
    address,
    requests: () => requests,
    outstanding: () => outstanding,
    /** Connects if there is no connection. */
    standing() {
      const state = channels.state();
      if (performance.now() < avoidUntilMs) return standings.failing;
      if (state === grpc.connectivityState.READY) return standings.connected;
      return state === grpc.connectivityState.TRANSIENT_FAILURE ? standings.failing : standings.unknown;
    },
    /** Rejects with the library's error. */
    async call(method: string, message: object, callOptions: CallOptions): Promise<unknown> {
      const call = calls.get(method);
      if (call === undefined) throw new Error(`${service.typeName} has no unary method ${method}`);
      outstanding += 1;
      requests += 1;
      try {
        return await call(message, callOptions);
      } catch (error) {
        if (isUnanswered(error as grpc.ServiceError)) avoidUntilMs = performance.now() + AVOID_MS;
        throw error;
      } finally {
        outstanding -= 1;
      }
    },
    /** Takes no more requests. Those under way are still answered. */
    leave(): void {
      for (const conversation of held) conversation.close();
      channels.leave();
    },
    close(): void {
      for (const conversation of held) conversation.close();
      channels.close();
    },
  };
}

/** The instance itself failed, not one request. */
function isUnanswered({ code }: grpc.ServiceError): boolean {
  return code === grpc.status.UNAVAILABLE || code === grpc.status.DEADLINE_EXCEEDED;
}

function createMetadata(options: ChannelOptions): CreateMetadata {
  const serviceKey = options.serviceKey === undefined ? undefined : Secret.of(options.serviceKey);
  return (requestId) => {
    const metadata = new grpc.Metadata();
    if (serviceKey !== undefined) metadata.set(SERVICE_KEY_HEADER, serviceKey.reveal());
    if (requestId !== undefined) metadata.set(REQUEST_ID_HEADER, requestId);
    return metadata;
  };
}

/** Makes one call for each request. Rejects with the library's error. */
function callOf(
  channels: Channels,
  service: AnyService,
  method: DescMethod,
  metadataOf: CreateMetadata,
): Call {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(service, method);
  return (message: object, { limitMs, requestId }: CallOptions) =>
    new Promise<unknown>((resolve, reject) => {
      const channel = channels.take();
      channel.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message as never,
        metadataOf(requestId),
        { deadline: Date.now() + limitMs },
        (error, response) => {
          channels.giveBack(channel, error);
          if (error === null) resolve(response);
          else reject(error);
        },
      );
    });
}

/**
 * Sends requests over the stream. A refusal ends the stream for all waiting requests and may have been meant for another one, so each
 * of them is then repeated as a call, for an answer of its own. While the peer is of a version without conversations, every
 * request is a call.
 */
function preferring(conversation: Conversation, call: Call): Call {
  let callsUntilMs = 0;
  return async (message, options) => {
    const askedMs = performance.now();
    if (askedMs < callsUntilMs) return call(message, options);
    try {
      return await conversation.ask(message, options.limitMs);
    } catch (error) {
      const { code, metadata } = error as grpc.ServiceError;
      const isUnknown = code === grpc.status.UNIMPLEMENTED;
      if (isUnknown) callsUntilMs = performance.now() + TRY_CONVERSATION_AGAIN_MS;
      const isRefusal = metadata !== undefined && metadata.get(DETAILS_TRAILER).length > 0;
      if (!isUnknown && !isRefusal) throw error;
      // Within what is left of the caller's limit.
      return call(message, { ...options, limitMs: options.limitMs - (performance.now() - askedMs) });
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
    open(limitMs) {
      const channel = channels.take();
      const metadata = metadataOf();
      metadata.set(ANSWER_LIMIT_HEADER, String(limitMs));
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
