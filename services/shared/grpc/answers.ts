/** Each method's way from a request to its answer: who, may they, do, answer. Called once, or asked on and on in a conversation. */
import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { AppError, toAppError } from '../errors/app-error.ts';
import { ERROR_TABLE } from '../errors/error-table.ts';
import { encodeStatusDetails } from '../errors/status-details.ts';
import type { CallerCheck } from '../identity/service-identity.ts';
import type { ServiceName } from '../identity/service-keys.ts';
import type { Log } from '../telemetry/log.ts';
import { LATENCY_BUCKETS, type Metrics } from '../telemetry/metrics.ts';
import { createCallerCheck, firstText } from './callers.ts';
import {
  ANSWER_LIMIT_HEADER,
  type CallContext,
  DETAILS_TRAILER,
  REQUEST_ID_HEADER,
  type ServiceRegistration,
  unaryOf,
} from './methods.ts';

/** Requests of one conversation that may wait for their answers; what comes beyond is not read yet. */
const MAX_ASKED = 64;

export interface Answers {
  unary(registration: ServiceRegistration, method: DescMethod): grpc.handleUnaryCall<never, never>;
  conversation(
    registration: ServiceRegistration,
    method: DescMethod,
  ): grpc.handleBidiStreamingCall<never, never>;
  /** Ends each conversation as soon as what was asked has been answered. */
  endConversations(): void;
}

export function createAnswers(options: CallerCheck & { log: Log; metrics: Metrics }): Answers {
  const { log, metrics } = options;
  const callerOf = createCallerCheck(options);
  const handled = metrics.histogram(
    'grpc_server_seconds',
    'Time to answer a call, by method and code.',
    LATENCY_BUCKETS,
    ['method', 'code'],
  );
  const conversations = new Set<() => void>();
  let isEnding = false;

  const finish = (method: DescMethod, started: number, code: number) =>
    handled.observe({ method: method.name, code: String(code) }, (performance.now() - started) / 1000);

  function refuse(method: DescMethod, started: number, thrown: unknown): grpc.ServiceError {
    const error = toAppError(thrown);
    if (error.kind === 'internal') log.error({ err: thrown, method: method.name }, 'call failed');
    finish(method, started, ERROR_TABLE[error.kind].code);
    return toServiceError(error);
  }

  /** Answers one request; rejects with what the caller is to be told. */
  function answerOf({ handlers }: ServiceRegistration, method: DescMethod) {
    const handler = handlers[method.localName];
    if (handler === undefined) throw new Error(`${method.name} has no handler`);
    return async (request: never, context: () => CallContext): Promise<never> => {
      const started = performance.now();
      try {
        const result = await handler(request, context());
        finish(method, started, grpc.status.OK);
        return create(method.output, result as MessageInitShape<typeof method.output>) as never;
      } catch (thrown) {
        throw refuse(method, started, thrown);
      }
    };
  }

  function admit(
    registration: ServiceRegistration,
    method: DescMethod,
    call: Parameters<typeof callerOf>[0],
  ): ServiceName {
    const caller = callerOf(call);
    if (!registration.allow[method.localName]?.includes(caller)) throw new AppError('CALLER_NOT_ALLOWED');
    return caller;
  }

  return {
    unary(registration, method) {
      const answer = answerOf(registration, method);
      return (call, callback) => {
        const context = () => ({
          caller: admit(registration, method, call),
          remainingMs: Number(call.getDeadline()) - Date.now(),
          requestId: firstText(call.metadata, REQUEST_ID_HEADER),
        });
        answer(call.request, context).then(
          (response) => callback(null, response),
          (error: grpc.ServiceError) => callback(error),
        );
      };
    },

    conversation(registration, stream) {
      const method = unaryOf(registration.service, stream);
      const answer = answerOf(registration, method);
      return (call) => {
        let answered = Promise.resolve();
        let asked = 0;
        let context: CallContext;
        try {
          const limitMs = Number(firstText(call.metadata, ANSWER_LIMIT_HEADER) ?? Number.NaN);
          const remainingMs = limitMs > 0 ? limitMs : Number.POSITIVE_INFINITY;
          context = { caller: admit(registration, method, call), remainingMs, requestId: undefined };
        } catch (thrown) {
          call.emit('error', refuse(method, performance.now(), thrown));
          return;
        }
        /** As soon as all has been answered that was read by then. */
        const end = (): void => {
          call.pause();
          const last = answered;
          void last.then(() => (last === answered ? call.end() : end()));
        };
        conversations.add(end);
        call.on('close', () => conversations.delete(end));
        if (isEnding) return end();
        call.on('end', end);
        call.on('data', (request: never) => {
          asked += 1;
          if (asked === MAX_ASKED) call.pause();
          // In the order of the requests, however long each takes. A failure ends the conversation: it has no answer for it.
          const before = answered;
          const answering = answer(request, () => context);
          answering.catch(toldLater);
          answered = before
            .then(() => answering)
            .then(write, (error: Error) => void call.emit('error', error));
        });

        function write(response: never): void {
          if (call.writable) call.write(response, forget);
        }

        function forget(): void {
          if (asked === MAX_ASKED && !isEnding) call.resume();
          asked -= 1;
        }
      };
    },

    endConversations() {
      isEnding = true;
      for (const end of conversations) end();
    },
  };
}

/** A failure is told when it is its turn. */
function toldLater(): void {}

function toServiceError(error: AppError): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  metadata.set(DETAILS_TRAILER, Buffer.from(encodeStatusDetails(error)));
  return Object.assign(new Error(error.message), {
    code: ERROR_TABLE[error.kind].code,
    details: error.message,
    metadata,
  });
}
