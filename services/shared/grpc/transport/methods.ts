/** What both ends of a call share: generated methods, the types of handlers and clients, header names, sizes. */
import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type { MethodDefinition } from '@grpc/grpc-js';
import type { Deadline } from '../../flow/deadline.ts';
import type { ServiceName } from '../../identity/service-keys.ts';

/** Largest message in either direction: 1,000 signed actions with every field at its limit fit. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A dead peer is detected within the sum of these: five seconds, in which the system recovers from any fault. */
export const KEEPALIVE_MS = 3_000;
export const KEEPALIVE_TIMEOUT_MS = 2_000;
/** A server waits for no answer of a client, so that a dead client only holds memory. Clients find dead servers. */
export const SERVER_KEEPALIVE_MS = 30_000;

export const SERVICE_KEY_HEADER = 'x-service-key';
export const REQUEST_ID_HEADER = 'x-request-id';
/** In a conversation: milliseconds that the caller waits for each answer. */
export const ANSWER_LIMIT_HEADER = 'x-answer-limit-ms';
export const DETAILS_TRAILER = 'grpc-status-details-bin';

export interface CallOptions {
  /** How long the call may take; then it fails with DEADLINE_EXCEEDED. */
  limitMs: number;
  requestId?: string;
}

/** What a handler knows of a call besides the request. */
export interface CallContext {
  readonly caller: ServiceName;
  /** The address and port that the call came from. */
  readonly peer: () => string;
  /** Until when the caller waits. */
  readonly deadline: Deadline;
  readonly requestId: string | undefined;
}

type Methods<S> = S extends GenService<infer M extends GenServiceMethods> ? M : never;
/** Methods with one request and one response. A conversation is another way to call one of these: see `unaryOf`. */
export type Unary<S> = {
  [K in keyof Methods<S> as Methods<S>[K]['methodKind'] extends 'unary' ? K : never]: {
    input: Methods<S>[K]['input'] extends infer I extends DescMessage ? I : never;
    output: Methods<S>[K]['output'] extends infer O extends DescMessage ? O : never;
  };
};

export type Handlers<S> = {
  [K in keyof Unary<S>]: (
    request: MessageShape<Unary<S>[K]['input']>,
    context: CallContext,
  ) => Promise<MessageInitShape<Unary<S>[K]['output']>>;
};

/** For each method, the services that may call it. */
export type AllowLists<S> = { readonly [K in keyof Unary<S>]: readonly ServiceName[] };

export interface ServiceRegistration {
  readonly service: GenService<GenServiceMethods>;
  readonly handlers: Record<string, (request: never, context: CallContext) => Promise<object>>;
  readonly allow: Record<string, readonly ServiceName[]>;
}

/** Connects a generated service with its handlers and allow lists. Types check that they match. */
export function registerService<S extends GenService<GenServiceMethods>>(
  service: S,
  handlers: Handlers<S>,
  allow: AllowLists<S>,
): ServiceRegistration {
  return { service, handlers: handlers as unknown as ServiceRegistration['handlers'], allow };
}

/** The method whose requests a conversation carries: for `StreamX` it is `X`. */
export function unaryOf(service: GenService<GenServiceMethods>, { localName }: DescMethod): DescMethod {
  const found = service.methods.find((method) => conversationName(method) === localName);
  if (found === undefined) throw new Error(`${service.typeName} has no conversation ${localName}`);
  return found;
}

export function conversationOf(service: GenService<GenServiceMethods>, unary: DescMethod): DescMethod {
  const found = service.methods.find(({ localName }) => localName === conversationName(unary));
  if (found === undefined) throw new Error(`${unary.name} of ${service.typeName} has no conversation`);
  return found;
}

const conversationName = ({ name }: DescMethod): string => `stream${name}`;

function serializer<D extends DescMessage>(schema: D) {
  return (message: MessageShape<D>) => Buffer.from(toBinary(schema, message));
}

function deserializer<D extends DescMessage>(schema: D) {
  return (bytes: Buffer) => fromBinary(schema, bytes);
}

export function methodDefinition(
  service: GenService<GenServiceMethods>,
  method: DescMethod,
): MethodDefinition<never, never> {
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: method.methodKind !== 'unary',
    responseStream: method.methodKind !== 'unary',
    requestSerialize: serializer(method.input) as never,
    requestDeserialize: deserializer(method.input) as never,
    responseSerialize: serializer(method.output) as never,
    responseDeserialize: deserializer(method.output) as never,
  };
}
