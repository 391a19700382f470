/** A gRPC client: one typed function per method, over connections to all instances of a service. */
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import * as grpc from '@grpc/grpc-js';
import { AppError } from '../../errors/app-error.ts';
import { generalReason, kindOfCode } from '../../errors/error-table.ts';
import { decodeStatusDetails } from '../../errors/status-details.ts';
import { Deadline } from '../../flow/deadline.ts';
import { type CallOptions, DETAILS_TRAILER, type Unary } from '../transport/methods.ts';
import type { ChannelOptions } from './channels.ts';
import type { ClientCalls } from './client-calls.ts';
import { WAS_NOT_READ } from './conversation.ts';
import { createInstances, type Instances, type Lookup } from './instances.ts';

type AnyService = GenService<GenServiceMethods>;

export type GrpcClient<S> = {
  [K in keyof Unary<S>]: (
    request: MessageInitShape<Unary<S>[K]['input']>,
    options: CallOptions,
  ) => Promise<MessageShape<Unary<S>[K]['output']>>;
} & { close(): void };

export type GrpcClientOptions<S> = ChannelOptions & {
  /** Of all instances: see `parseServiceAddresses`. */
  address: string;
  /** Methods with many calls. Each uses one stream an instance for all of them, without request ids. */
  conversations?: readonly (keyof Unary<S>)[];
  /** Tells the requests of each instance. */
  calls?: ClientCalls;
  lookup?: Lookup;
};

/** A client of one service. Connects on first use and reconnects for the life of the process. */
export function createGrpcClient<S extends AnyService>(
  service: S,
  { address, conversations = [], calls, lookup, ...options }: GrpcClientOptions<S>,
): GrpcClient<S> {
  const instances = createInstances(
    address,
    { ...options, service, conversations: conversations.map(String) },
    lookup,
  );
  calls?.add(options.unavailable, instances);
  const client: Record<string, unknown> = {};
  for (const { localName, input, methodKind } of service.methods) {
    if (methodKind !== 'unary') continue;
    client[localName] = async (request: object, callOptions: CallOptions) => {
      const message = create(input, request as MessageInitShape<DescMessage>);
      try {
        return await ask(instances, localName, message, callOptions);
      } catch (error) {
        throw error instanceof AppError
          ? error
          : fromServiceError(error as grpc.ServiceError, options.unavailable);
      }
    };
  }
  client.close = () => {
    calls?.remove(instances);
    instances.close();
  };
  return client as GrpcClient<S>;
}

/** A request that reached no instance goes to the next one, within the caller's limit. Rejects with the library's error. */
async function ask(
  instances: Instances,
  method: string,
  message: object,
  options: CallOptions,
): Promise<unknown> {
  const deadline = Deadline.after(options.limitMs);
  if (instances.all().length === 0 && instances.found !== undefined) await deadline.race(instances.found);
  for (let attempt = 1; ; attempt += 1) {
    const instance = instances.pick();
    if (instance === undefined) throw NO_ADDRESS;
    try {
      return await instance.call(method, message, { ...options, limitMs: deadline.remainingMs() });
    } catch (error) {
      if (attempt >= instances.all().length || !wasNotSent(error as grpc.ServiceError)) throw error;
    }
  }
}

const NO_ADDRESS = { code: grpc.status.UNAVAILABLE, details: 'the host name has no address' };

/** No instance can have acted on the request. The text is the library's. */
function wasNotSent({ code, details }: grpc.ServiceError): boolean {
  if (code !== grpc.status.UNAVAILABLE) return false;
  return details === WAS_NOT_READ || details.startsWith('No connection established');
}

/** The stream ended before the answer was complete. The library reports `internal`, but it is the connection that failed. */
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
