/**
 * The server's side of a conversation: requests are worked on side by side and answered in their order, however long each takes.
 * No more are read while too many wait for their answers. A failure ends the conversation, since it has no answer for it.
 */
import type * as grpc from '@grpc/grpc-js';

/** Requests of one conversation that may wait for their answers. Beyond that the stream is not read. */
const MAX_WAITING = 64;

type Stream = grpc.ServerDuplexStream<never, never>;

/** Begins to answer. The function that it returns reads no more and ends the stream once everything read has been answered. */
export function answerInOrder(call: Stream, answer: (request: never) => Promise<never>): () => void {
  let answered = Promise.resolve();
  let waiting = 0;
  let isEnding = false;

  function write(response: never): void {
    if (call.writable) call.write(response, forget);
  }

  function forget(): void {
    if (waiting === MAX_WAITING && !isEnding) call.resume();
    waiting -= 1;
  }

  function end(): void {
    isEnding = true;
    call.pause();
    const last = answered;
    void last.then(() => (last === answered ? call.end() : end()));
  }

  call.on('end', end);
  call.on('data', (request: never) => {
    waiting += 1;
    if (waiting === MAX_WAITING) call.pause();
    const before = answered;
    const answering = answer(request);
    answering.catch(reportedInOrder);
    answered = before.then(() => answering).then(write, (error: Error) => void call.emit('error', error));
  });
  return end;
}

/** A failure reaches the caller after the answers before it. Until then it must not count as unhandled. */
function reportedInOrder(): void {}
