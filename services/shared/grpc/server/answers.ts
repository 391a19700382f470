/**
 * From a request to its answer, for every method of a server: identify the caller, check that it may call, run the handler,
 * answer. A method answers unary calls, or requests that share one stream (a conversation).
 */
import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { AppError, toAppError } from '../../errors/app-error.ts';
import { ERROR_TABLE } from '../../errors/error-table.ts';
import { encodeStatusDetails } from '../../errors/status-details.ts';
import { Deadline } from '../../flow/deadline.ts';
import type { CallerCheck } from '../../identity/service-identity.ts';
import type { ServiceName } from '../../identity/service-keys.ts';
import type { Log } from '../../telemetry/log.ts';
import { LATENCY_BUCKETS, type Metrics } from '../../telemetry/metrics.ts';
import {
  ANSWER_LIMIT_HEADER,
  type CallContext,
  DETAILS_TRAILER,
  REQUEST_ID_HEADER,
  type ServiceRegistration,
  unaryOf,
} from '../transport/methods.ts';
import { createCallerCheck, firstText } from './callers.ts';
import { answerInOrder } from './ordered-answers.ts';

type AnswersOptions = CallerCheck & { log: Log; metrics: Metrics };
type Call = Parameters<ReturnType<typeof createCallerCheck>>[0];
/** Rejects with the status for the caller. */
type Answer = (request: never, context: () => CallContext) => Promise<never>;

export function createAnswers(options: AnswersOptions) {
  const callerOf = createCallerCheck(options);
  const record = createCallRecord(options);
  const conversations = new Set<() => void>();
  let isEnding = false;

  function admit({ allow }: ServiceRegistration, method: DescMethod, call: Call): ServiceName {
    const caller = callerOf(call);
    if (!allow[method.localName]?.includes(caller)) throw new AppError('CALLER_NOT_ALLOWED');
    return caller;
  }

  function unary(registration: ServiceRegistration, method: DescMethod): grpc.handleUnaryCall<never, never> {
    const answer = answerOf(registration, method, record);
    return (call, callback) => {
      const context = () => ({
        caller: admit(registration, method, call),
        peer: () => call.getPeer(),
        deadline: Deadline.after(Number(call.getDeadline()) - Date.now()),
        requestId: firstText(call.metadata, REQUEST_ID_HEADER),
      });
      answer(call.request, context).then(
        (response) => callback(null, response),
        (error: grpc.ServiceError) => callback(error),
      );
    };
  }

  function conversation(
    registration: ServiceRegistration,
    stream: DescMethod,
  ): grpc.handleBidiStreamingCall<never, never> {
    const method = unaryOf(registration.service, stream);
    const answer = answerOf(registration, method, record);
    return (call) => {
      const deadlineOf = deadlinesOf(call.metadata);
      let caller: ServiceName;
      try {
        caller = admit(registration, method, call);
      } catch (thrown) {
        call.emit('error', record.refused(method, performance.now(), thrown));
        return;
      }
      const context = (): CallContext => ({
        caller,
        peer: () => call.getPeer(),
        deadline: deadlineOf(),
        requestId: undefined,
      });
      const end = answerInOrder(call, (request) => answer(request, context));
      conversations.add(end);
      call.on('close', () => conversations.delete(end));
      if (isEnding) end();
    };
  }

  return {
    unary,
    conversation,
    /** Ends each conversation as soon as the requests read so far have been answered. */
    endConversations() {
      isEnding = true;
      for (const end of conversations) end();
    },
  };
}

/** The metrics and the log of calls. */
function createCallRecord({ log, metrics }: AnswersOptions) {
  const handled = metrics.histogram(
    'grpc_server_seconds',
    'Time to answer a call, by method and code.',
    LATENCY_BUCKETS,
    ['method', 'code'],
  );
  const finished = (method: DescMethod, startedMs: number, code: number) =>
    handled.observe({ method: method.name, code: String(code) }, (performance.now() - startedMs) / 1000);
  return {
    answered: (method: DescMethod, startedMs: number) => finished(method, startedMs, grpc.status.OK),
    refused(method: DescMethod, startedMs: number, thrown: unknown): grpc.ServiceError {
      const error = toAppError(thrown);
      if (error.kind === 'internal') log.error({ err: thrown, method: method.name }, 'call failed');
      finished(method, startedMs, ERROR_TABLE[error.kind].code);
      return toServiceError(error);
    },
  };
}

function answerOf(
  { handlers }: ServiceRegistration,
  method: DescMethod,
  record: ReturnType<typeof createCallRecord>,
): Answer {
  const handler = handlers[method.localName];
  if (handler === undefined) throw new Error(`${method.name} has no handler`);
  return async (request, context) => {
    const startedMs = performance.now();
    try {
      const result = await handler(request, context());
      record.answered(method, startedMs);
      return create(method.output, result as MessageInitShape<typeof method.output>) as never;
    } catch (thrown) {
      throw record.refused(method, startedMs, thrown);
    }
  };
}

/** Each request of a conversation has the limit that its caller gave for all of them. */
function deadlinesOf(metadata: grpc.Metadata): () => Deadline {
  const limitMs = Number(firstText(metadata, ANSWER_LIMIT_HEADER) ?? Number.NaN);
  return limitMs > 0 ? () => Deadline.after(limitMs) : () => Deadline.never;
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
