/**
 * Group commit for anything that costs a round trip. It sends as soon as the wire is free, so an idle caller waits for
 * nobody, and whatever arrives while the wire is busy leaves together in the next batch. The queue is bounded: beyond
 * it a caller is refused at once, which costs less than an answer that comes too late.
 */
import { AppError } from './app-error.ts';

export interface CoalescerOptions<Item, Result> {
  /** Sends one batch and answers in the same order: a value, or an Error for that item alone. A throw fails them all. */
  send: (items: Item[]) => Promise<ReadonlyArray<Result | Error>>;
  /** Most items in one batch. */
  maxBatch: number;
  /** Most batches under way at once. */
  maxInFlight: number;
  /** Most items that may wait; one more is refused with OVERLOADED. */
  maxQueue: number;
  /** Called with the size of each batch that is sent. */
  onBatch?: (size: number) => void;
}

export interface Coalescer<Item, Result> {
  /** Resolves with the item's own result. */
  submit(item: Item): Promise<Result>;
  /** Items that wait for the wire. */
  readonly queued: number;
  /** Refuses new items with SHUTTING_DOWN and resolves when the last batch has been answered. */
  close(): Promise<void>;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

export function createCoalescer<Item, Result>(
  options: CoalescerOptions<Item, Result>,
): Coalescer<Item, Result> {
  const { send, maxBatch, maxInFlight, maxQueue, onBatch } = options;
  let queue: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let flushScheduled = false;
  let closed = false;
  let onIdle: (() => void) | undefined;

  async function sendBatch(batch: Waiting<Item, Result>[]): Promise<void> {
    inFlight += 1;
    onBatch?.(batch.length);
    try {
      const results = await send(batch.map((waiting) => waiting.item));
      if (results.length !== batch.length) {
        throw new Error(`a batch of ${batch.length} was answered with ${results.length} results`);
      }
      batch.forEach((waiting, index) => {
        const result = results[index] as Result | Error;
        if (result instanceof Error) waiting.reject(result);
        else waiting.resolve(result);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      inFlight -= 1;
      flush();
      if (inFlight === 0 && queue.length === 0) onIdle?.();
    }
  }

  function flush(): void {
    flushScheduled = false;
    while (queue.length > 0 && inFlight < maxInFlight) {
      const batch = queue.length <= maxBatch ? queue : queue.slice(0, maxBatch);
      queue = queue.length <= maxBatch ? [] : queue.slice(maxBatch);
      void sendBatch(batch);
    }
  }

  return {
    submit(item) {
      if (closed) return Promise.reject(new AppError('SHUTTING_DOWN'));
      if (queue.length >= maxQueue) return Promise.reject(new AppError('OVERLOADED', { retryAfterMs: 1000 }));
      return new Promise<Result>((resolve, reject) => {
        queue.push({ item, resolve, reject });
        // One turn of the event loop gathers everything that arrived in the same read.
        if (!flushScheduled && inFlight < maxInFlight) {
          flushScheduled = true;
          setImmediate(flush);
        }
      });
    },
    get queued() {
      return queue.length;
    },
    close() {
      closed = true;
      if (inFlight === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
