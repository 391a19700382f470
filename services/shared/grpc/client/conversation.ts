/**
 * The client's side of a conversation: one stream for many requests of one method, each answered by one response, in order. A call
 * for each request would cost both ends several times as much, mostly for headers, trailers and timers. When the stream fails
 * or an answer is late, all waiting requests fail, and the next request opens a new stream.
 */
import * as grpc from '@grpc/grpc-js';

type Stream = grpc.ClientDuplexStream<never, never>;
type Failure = Pick<grpc.ServiceError, 'code' | 'details'> & Partial<grpc.ServiceError>;

export interface OpenStream {
  readonly stream: Stream;
  /** True when the connection should not be used for new requests. */
  isOld(): boolean;
  /** Called once when the stream ends, with the failure if there was one. */
  onEnd(failure: Failure | null): void;
}

export interface ConversationOptions {
  /** Opens a stream on which every request has this limit for its answer. */
  open(limitMs: number): OpenStream;
}

export type Conversation = ReturnType<typeof createConversation>;

interface Waiting {
  resolve(response: unknown): void;
  reject(failure: Failure): void;
  readonly timer: NodeJS.Timeout;
}

/** A peer that ends a stream has answered all requests that it read. */
export const WAS_NOT_READ = 'the peer ended the conversation';
const ENDED: Failure = { code: grpc.status.UNAVAILABLE, details: WAS_NOT_READ };
const TOO_LATE: Failure = { code: grpc.status.DEADLINE_EXCEEDED, details: 'no answer in time' };

export function createConversation({ open }: ConversationOptions) {
  let current: ReturnType<typeof begin> | undefined;

  function begin(limitMs: number) {
    const { stream, isOld, onEnd } = open(limitMs);
    const waiting: Waiting[] = [];
    let isOver = false;

    function end(failure: Failure | null): void {
      if (isOver) return;
      isOver = true;
      if (current === self) current = undefined;
      onEnd(failure);
      for (const { timer, reject } of waiting.splice(0)) {
        clearTimeout(timer);
        reject(failure ?? ENDED);
      }
    }

    function giveUp(): void {
      end(TOO_LATE);
      stream.cancel();
    }

    stream.on('data', (response: unknown) => {
      const asker = waiting.shift();
      clearTimeout(asker?.timer);
      asker?.resolve(response);
    });
    stream.on('error', (error: grpc.ServiceError) => end(error));
    stream.on('end', () => end(null));
    const self = {
      isOld,
      ask: (request: unknown, limitMs: number) =>
        new Promise<unknown>((resolve, reject) => {
          waiting.push({ resolve, reject, timer: setTimeout(giveUp, limitMs) });
          stream.write(request as never);
        }),
      /** Sends no more requests. Waiting ones are still answered. */
      leave: () => stream.end(),
    };
    return self;
  }

  function leave(): void {
    current?.leave();
    current = undefined;
  }

  return {
    /** Rejects with a status, as a call would. */
    ask(request: unknown, limitMs: number): Promise<unknown> {
      if (current?.isOld()) leave();
      current ??= begin(limitMs);
      return current.ask(request, limitMs);
    },
    close: leave,
  };
}
