/**
 * A method that is called all the time, as one stream: each request is answered by one response, in order. A call of its own would
 * cost both ends several times as much, most of it for headers, trailers and timers. A stream that fails, or keeps somebody
 * waiting for too long, fails all who wait on it; the next request opens a new one.
 */
import * as grpc from '@grpc/grpc-js';

type Stream = grpc.ClientDuplexStream<never, never>;
type Failure = Pick<grpc.ServiceError, 'code' | 'details'> & Partial<grpc.ServiceError>;

export interface OpenStream {
  readonly stream: Stream;
  /** Its connection shall be left. */
  isOld(): boolean;
  /** Told once of its end, with the failure if it was one. */
  onEnd(failure: Failure | null): void;
}

export interface ConversationOptions {
  /** Begins a stream on which each answer is waited for so long. */
  open(deadlineMs: number): OpenStream;
}

export interface Conversation {
  /** Rejects with a status, as a call would. */
  ask(request: unknown, deadlineMs: number): Promise<unknown>;
  close(): void;
}

interface Waiting {
  resolve(response: unknown): void;
  reject(failure: Failure): void;
  readonly timer: NodeJS.Timeout;
}

const ENDED: Failure = { code: grpc.status.UNAVAILABLE, details: 'the peer ended the conversation' };
const TOO_LATE: Failure = { code: grpc.status.DEADLINE_EXCEEDED, details: 'no answer in time' };

export function createConversation({ open }: ConversationOptions): Conversation {
  let current: ReturnType<typeof begin> | undefined;

  function begin(deadlineMs: number) {
    const { stream, isOld, onEnd } = open(deadlineMs);
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
      /** No more requests; those that wait are still answered. */
      leave: () => stream.end(),
    };
    return self;
  }

  function leave(): void {
    current?.leave();
    current = undefined;
  }

  return {
    ask(request, deadlineMs) {
      if (current?.isOld()) leave();
      current ??= begin(deadlineMs);
      return current.ask(request, deadlineMs);
    },
    close: leave,
  };
}
