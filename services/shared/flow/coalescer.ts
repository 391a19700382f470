/**
 * Group commit for anything that costs a round trip. It sends as soon as the wire is free, so it adds no wait when idle, and
 * items that arrive while the wire is busy leave together in the next batch. The queue is bounded: beyond its limit a caller is
 * refused at once, which costs less than an answer that comes too late.
 */
import { AppError } from '../errors/app-error.ts';
import { type Batch, GroupQueue, settle } from './group-queue.ts';

export interface CoalescerOptions<Item, Result> {
  /** Sends one batch. Resolves in the same order with a value, or an Error for that item alone. A rejection fails all items. */
  send: (items: Item[]) => Promise<ReadonlyArray<Result | Error>>;
  /** Most items in one batch. */
  maxBatch: number;
  /** Most batches under way at once. */
  maxInFlight: number;
  /** Items that must wait before another batch leaves beside one under way, since each call has a fixed cost. */
  worthACall?: number;
  /** Most items that may wait. Beyond that items are refused with OVERLOADED. */
  maxQueue: number;
  /** Called for each item before it is sent. An item with an error is answered with it and not sent. */
  lapsed?: (item: Item) => Error | undefined;
  /** Called with the size of each batch. */
  onBatch?: (size: number) => void;
}

export type Coalescer<Item, Result> = ReturnType<typeof createCoalescer<Item, Result>>;

const RETRY_AFTER_MS = 1_000;

export function createCoalescer<Item, Result>(options: CoalescerOptions<Item, Result>) {
  const { send, maxBatch, maxInFlight, maxQueue, worthACall = 1, onBatch } = options;
  const queue = new GroupQueue<Item, Result>(options.lapsed);
  let inFlight = 0;
  let flushScheduled = false;
  let closed = false;
  let onIdle: (() => void) | undefined;

  async function sendBatch({ items, places }: Batch<Item, Result>): Promise<void> {
    inFlight += 1;
    onBatch?.(items.length);
    try {
      const results = await send(items);
      if (results.length !== items.length) {
        throw new Error(`a batch of ${items.length} was answered with ${results.length} results`);
      }
      places.forEach((place, index) => {
        settle(place, results[index] as Result | Error);
      });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      for (const place of places) settle(place, error);
    } finally {
      inFlight -= 1;
      flush();
    }
  }

  function mayLeave(): boolean {
    if (inFlight === 0) return queue.size > 0;
    return queue.size >= worthACall && inFlight < maxInFlight;
  }

  function flush(): void {
    flushScheduled = false;
    while (mayLeave()) {
      const batch = queue.take(maxBatch);
      if (batch.items.length > 0) void sendBatch(batch);
    }
    if (inFlight === 0 && queue.size === 0) onIdle?.();
  }

  function refusal(count: number): AppError | undefined {
    if (closed) return new AppError('SHUTTING_DOWN');
    if (queue.size + count > maxQueue) return new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
    return undefined;
  }

  function enqueue(items: readonly Item[], answer: (outcomes: ReadonlyArray<Result | Error>) => void): void {
    queue.add(items, answer);
    // One turn of the event loop gathers everything that arrived in the same read.
    if (flushScheduled || !mayLeave()) return;
    flushScheduled = true;
    setImmediate(flush);
  }

  return {
    /** Resolves with the item's own result. */
    submit(item: Item): Promise<Result> {
      const refused = refusal(1);
      if (refused !== undefined) return Promise.reject(refused);
      return new Promise((resolve, reject) => {
        enqueue([item], ([outcome]) => {
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome as Result);
        });
      });
    },
    /** Resolves with one outcome for each item, in order, once all are known. They may travel in several batches. */
    submitAll(items: readonly Item[]): Promise<ReadonlyArray<Result | Error>> {
      if (items.length === 0) return Promise.resolve([]);
      const refused = refusal(items.length);
      if (refused !== undefined) return Promise.resolve(items.map(() => refused));
      return new Promise((resolve) => enqueue(items, resolve));
    },
    /** Items that wait. */
    get queued(): number {
      return queue.size;
    },
    /** Refuses new items with SHUTTING_DOWN and resolves when the last batch has been answered. */
    close(): Promise<void> {
      closed = true;
      if (inFlight === 0 && queue.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
