/**
 * The one door to @grpc/grpc-js. A server is generated services plus plain handlers, each method with the list of
 * services that may call it; a client is one typed function per method. Both speak AppError, never a status object.
 */

import {
  create,
  type DescFile,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { AppError, toAppError } from './app-error.ts';
import { ERROR_TABLE, kindOfCode } from './error-table.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { LATENCY_BUCKETS } from './metrics.ts';
import { Secret } from './secret.ts';
import { identifyService, type ServiceDigests, type ServiceName } from './service-keys.ts';
import { decodeStatusDetails, encodeStatusDetails } from './status-details.ts';

/** Largest message in either direction: 1,000 signed actions with every field at its limit fit. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Streams one connection may have open; batching keeps real use far below. */
const MAX_CONCURRENT_STREAMS = 1000;
/** Memory one HTTP/2 session may use, in MB; grpc-js lifts Node's limit unless told. */
const MAX_SESSION_MEMORY_MB = 64;
/** A dead peer is found within KEEPALIVE + timeout: the five seconds in which everything is to be well again. */
const KEEPALIVE_MS = 3_000;
const KEEPALIVE_TIMEOUT_MS = 2_000;
/** Longest wait for calls under way, and for clients that do not leave when told; calls last a second or two. */
const STOP_LIMIT_MS = 3_000;
/** A peer that restarts in under a second should be back on the line in about that. */
const MIN_RECONNECT_BACKOFF_MS = 100;
const MAX_RECONNECT_BACKOFF_MS = 1_000;
/** Longer than a connection on any network takes, short enough to be well again within seconds. */
const CONNECT_LIMIT_MS = 2_000;

const SERVICE_KEY_HEADER = 'x-service-key';
const REQUEST_ID_HEADER = 'x-request-id';
const DETAILS_TRAILER = 'grpc-status-details-bin';

/** What a handler knows about the call besides its request. */
export interface CallContext {
  readonly caller: ServiceName;
  /** Milliseconds left until the caller stops waiting; Infinity when it set no deadline. */
  readonly remainingMs: number;
  readonly requestId: string | undefined;
}

type Methods<S> = S extends GenService<infer M extends GenServiceMethods> ? M : never;
type Unary<S> = {
  [K in keyof Methods<S>]: {
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
export type AllowLists<S> = { readonly [K in keyof Methods<S>]: readonly ServiceName[] };

export interface ServiceRegistration {
  readonly service: GenService<GenServiceMethods>;
  readonly handlers: Record<string, (request: never, context: CallContext) => Promise<object>>;
  readonly allow: Record<string, readonly ServiceName[]>;
}

/** Ties a generated service to its handlers and allow lists, checked against each other by type. */
export function registerService<S extends GenService<GenServiceMethods>>(
  service: S,
  handlers: Handlers<S>,
  allow: AllowLists<S>,
): ServiceRegistration {
  return { service, handlers: handlers as unknown as ServiceRegistration['handlers'], allow };
}

export interface GrpcServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  services: readonly ServiceRegistration[];
  digests: ServiceDigests;
  log: Log;
  metrics: Metrics;
  /** Serve reflection; on by default. */
  reflection?: boolean;
}

export interface GrpcServer {
  readonly port: number;
  /** What the health service answers for every service here. */
  setServing(serving: boolean): void;
  /** Stops accepting and resolves when the calls under way have been answered. */
  stop(): Promise<void>;
}

function serializer<D extends DescMessage>(schema: D) {
  return (message: MessageShape<D>) => Buffer.from(toBinary(schema, message));
}

function deserializer<D extends DescMessage>(schema: D) {
  return (bytes: Buffer) => fromBinary(schema, bytes);
}

function methodDefinition(
  service: GenService<GenServiceMethods>,
  method: DescMethod,
): grpc.MethodDefinition<never, never> {
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: serializer(method.input) as never,
    requestDeserialize: deserializer(method.input) as never,
    responseSerialize: serializer(method.output) as never,
    responseDeserialize: deserializer(method.output) as never,
  };
}

function toServiceError(error: AppError): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  metadata.set(DETAILS_TRAILER, Buffer.from(encodeStatusDetails(error)));
  return Object.assign(new Error(error.message), {
    code: ERROR_TABLE[error.kind].code,
    details: error.message,
    metadata,
  });
}

function firstText(metadata: grpc.Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0];
  return typeof value === 'string' ? value : undefined;
}

export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { host, services, digests, log, metrics } = options;
  const handled = metrics.histogram(
    'grpc_server_seconds',
    'Time to answer a call, by method and code.',
    LATENCY_BUCKETS,
    ['method', 'code'],
  );
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_CONCURRENT_STREAMS,
    'grpc-node.max_session_memory': MAX_SESSION_MEMORY_MB,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  });

  function answerWith(
    registration: ServiceRegistration,
    method: DescMethod,
  ): grpc.handleUnaryCall<never, never> {
    const handler = registration.handlers[method.localName];
    const allowed = registration.allow[method.localName] ?? [];
    if (handler === undefined) throw new Error(`${method.name} has no handler`);
    return async (call, callback) => {
      const started = performance.now();
      const finish = (code: number) =>
        handled.observe({ method: method.name, code: String(code) }, (performance.now() - started) / 1000);
      try {
        const caller = identifyService(digests, firstText(call.metadata, SERVICE_KEY_HEADER) ?? '');
        if (caller === undefined) throw new AppError('SERVICE_KEY_INVALID');
        if (!allowed.includes(caller)) throw new AppError('CALLER_NOT_ALLOWED');
        const deadline = call.getDeadline();
        const result = await handler(call.request, {
          caller,
          remainingMs: Number(deadline) - Date.now(),
          requestId: firstText(call.metadata, REQUEST_ID_HEADER),
        });
        callback(null, create(method.output, result as MessageInitShape<DescMessage>) as never);
        finish(grpc.status.OK);
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.kind === 'internal') log.error({ err: thrown, method: method.name }, 'call failed');
        callback(toServiceError(error));
        finish(ERROR_TABLE[error.kind].code);
      }
    };
  }

  for (const registration of services) {
    const definition: Record<string, grpc.MethodDefinition<never, never>> = {};
    const implementation: Record<string, grpc.handleUnaryCall<never, never>> = {};
    for (const method of registration.service.methods) {
      definition[method.name] = methodDefinition(registration.service, method);
      implementation[method.name] = answerWith(registration, method);
    }
    server.addService(definition as never, implementation as never);
  }
  const names = ['', ...services.map(({ service }) => service.typeName)];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'SERVING' as const])),
  );
  health.addToServer(server);
  if (options.reflection !== false) new ReflectionService(reflected(services)).addToServer(server);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${options.port}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    setServing(serving) {
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    stop() {
      for (const name of names) health.setStatus(name, 'NOT_SERVING');
      return new Promise((resolve) => {
        const force = setTimeout(() => server.forceShutdown(), STOP_LIMIT_MS);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      });
    },
  };
}

/** The generated descriptors in the form that the reflection package reads. */
function reflected(
  services: readonly ServiceRegistration[],
): ConstructorParameters<typeof ReflectionService>[0] {
  const files = new Map<string, DescFile>();
  const collect = (file: DescFile) => {
    if (files.has(file.name)) return;
    file.dependencies.forEach(collect);
    files.set(file.name, file);
  };
  for (const { service } of services) collect(service.file);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  const pkg: Record<string, unknown> = {};
  for (const { service } of services) {
    pkg[service.typeName] = Object.fromEntries(
      service.methods.map((method) => [method.name, methodDefinition(service, method)]),
    );
  }
  for (const file of files.values()) {
    for (const message of file.messages) {
      pkg[message.typeName] = {
        format: 'Protocol Buffer 3 DescriptorProto',
        type: message.proto,
        fileDescriptorProtos,
      };
    }
  }
  return pkg as ConstructorParameters<typeof ReflectionService>[0];
}

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

export interface GrpcClientOptions {
  /** host:port */
  address: string;
  serviceKey: Secret | string;
  /** The reason that a caller is told when nobody answers at the address. */
  unavailable: 'AUTH_UNAVAILABLE' | 'SCORE_UNAVAILABLE';
}

/** One connection to one service, kept up for the life of the process. Connects on first use. */
export function createGrpcClient<S extends GenService<GenServiceMethods>>(
  service: S,
  { address, serviceKey, unavailable }: GrpcClientOptions,
): GrpcClient<S> {
  const key = Secret.of(serviceKey);
  const options = {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': MIN_RECONNECT_BACKOFF_MS,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
    // Retries belong to the outermost layer alone.
    'grpc.enable_retries': 0,
    // A replaced channel must not find the connection again that it was replaced for.
    'grpc.use_local_subchannel_pool': 1,
  };
  const open = () => new grpc.Client(address, grpc.credentials.createInsecure(), options);
  let channel = open();
  let connectingSinceMs: number | undefined;

  /** The library waits for ever for a peer that takes the connection and then says nothing: such a channel is replaced. */
  function watchConnecting(error: grpc.ServiceError | null): void {
    const isConnecting =
      error?.code === grpc.status.DEADLINE_EXCEEDED &&
      channel.getChannel().getConnectivityState(false) === grpc.connectivityState.CONNECTING;
    if (!isConnecting) {
      connectingSinceMs = undefined;
      return;
    }
    connectingSinceMs ??= performance.now();
    if (performance.now() - connectingSinceMs < CONNECT_LIMIT_MS) return;
    connectingSinceMs = undefined;
    channel.close();
    channel = open();
  }

  function fromServiceError(error: grpc.ServiceError): AppError {
    const trailer = error.metadata?.get(DETAILS_TRAILER)[0];
    const described = trailer instanceof Buffer ? decodeStatusDetails(trailer) : undefined;
    if (described !== undefined) return described;
    switch (kindOfCode(error.code)) {
      case 'unavailable':
        return new AppError(unavailable, { cause: error });
      case 'deadline_exceeded':
        return new AppError('DEADLINE_EXCEEDED', { cause: error });
      case 'resource_exhausted':
        return new AppError('OVERLOADED', { cause: error });
      default:
        return new AppError('INTERNAL', { cause: error });
    }
  }

  const client: Record<string, unknown> = { close: () => channel.close() };
  for (const method of service.methods) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(service, method);
    client[method.localName] = (request: object, { deadlineMs, requestId }: CallOptions) =>
      new Promise((resolve, reject) => {
        const metadata = new grpc.Metadata();
        metadata.set(SERVICE_KEY_HEADER, key.reveal());
        if (requestId !== undefined) metadata.set(REQUEST_ID_HEADER, requestId);
        channel.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(method.input, request as MessageInitShape<DescMessage>) as never,
          metadata,
          { deadline: Date.now() + deadlineMs },
          (error, response) => {
            watchConnecting(error);
            if (error === null) resolve(response);
            else reject(fromServiceError(error));
          },
        );
      });
  }
  return client as GrpcClient<S>;
}
