/**
 * Group commit for anything that costs a round trip. It sends as soon as the wire is free, so an idle caller waits for
 * nobody, and whatever arrives while the wire is busy leaves together in the next batch. The queue is bounded: beyond
 * it a caller is refused at once, which costs less than an answer that comes too late.
 */
import { AppError } from '../errors/app-error.ts';

export interface CoalescerOptions<Item, Result> {
  /** Sends one batch and answers in the same order: a value, or an Error for that item alone. A throw fails them all. */
  send: (items: Item[]) => Promise<ReadonlyArray<Result | Error>>;
  /** Most items in one batch. */
  maxBatch: number;
  /** Most batches under way at once. */
  maxInFlight: number;
  /** Items that must wait before a further batch leaves beside one that is under way: a call has a price of its own. */
  worthACall?: number;
  /** Most items that may wait; what would not fit is refused with OVERLOADED. */
  maxQueue: number;
  /** Asked when an item's turn has come: an error answers it at once, and it is not sent. */
  lapsed?: (item: Item) => Error | undefined;
  /** Called with the size of each batch that is sent. */
  onBatch?: (size: number) => void;
}

export interface Coalescer<Item, Result> {
  /** Resolves with the item's own result. */
  submit(item: Item): Promise<Result>;
  /** Resolves with one outcome for each item, in order, once all are known. They may travel in several batches. */
  submitAll(items: readonly Item[]): Promise<ReadonlyArray<Result | Error>>;
  /** Items that wait for the wire. */
  readonly queued: number;
  /** Refuses new items with SHUTTING_DOWN and resolves when the last batch has been answered. */
  close(): Promise<void>;
}

const RETRY_AFTER_MS = 1_000;

/** Items that were handed in together and are answered together. */
interface Group<Item, Result> {
  readonly items: readonly Item[];
  readonly outcomes: Array<Result | Error>;
  /** Items whose turn has not come. */
  next: number;
  unanswered: number;
  readonly answer: (outcomes: ReadonlyArray<Result | Error>) => void;
}

/** Where the outcome of one item of a batch goes. */
interface Place<Item, Result> {
  readonly group: Group<Item, Result>;
  readonly index: number;
}

export function createCoalescer<Item, Result>(
  options: CoalescerOptions<Item, Result>,
): Coalescer<Item, Result> {
  const { send, maxBatch, maxInFlight, maxQueue, worthACall = 1, lapsed, onBatch } = options;
  const queue: Group<Item, Result>[] = [];
  let queued = 0;
  let inFlight = 0;
  let flushScheduled = false;
  let closed = false;
  let onIdle: (() => void) | undefined;

  function settle({ group, index }: Place<Item, Result>, outcome: Result | Error): void {
    group.outcomes[index] = outcome;
    group.unanswered -= 1;
    if (group.unanswered === 0) group.answer(group.outcomes);
  }

  async function sendBatch(items: Item[], places: readonly Place<Item, Result>[]): Promise<void> {
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

  /** Whether what waits may leave now. */
  function mayLeave(): boolean {
    if (inFlight === 0) return queued > 0;
    return queued >= worthACall && inFlight < maxInFlight;
  }

  function flush(): void {
    flushScheduled = false;
    while (mayLeave()) {
      const items: Item[] = [];
      const places: Place<Item, Result>[] = [];
      fill(items, places);
      if (items.length > 0) void sendBatch(items, places);
    }
    if (inFlight === 0 && queued === 0) onIdle?.();
  }

  /** Takes the next batch from the front of the queue. */
  function fill(items: Item[], places: Place<Item, Result>[]): void {
    let emptied = 0;
    for (const group of queue) {
      while (group.next < group.items.length && items.length < maxBatch) {
        const index = group.next;
        const item = group.items[index] as Item;
        group.next += 1;
        queued -= 1;
        const error = lapsed?.(item);
        if (error !== undefined) {
          settle({ group, index }, error);
          continue;
        }
        items.push(item);
        places.push({ group, index });
      }
      if (group.next < group.items.length) break;
      emptied += 1;
    }
    queue.splice(0, emptied);
  }

  /** The reason why these can not be taken, if there is one. */
  function refusal(count: number): AppError | undefined {
    if (closed) return new AppError('SHUTTING_DOWN');
    if (queued + count > maxQueue) return new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
    return undefined;
  }

  function enqueue(items: readonly Item[], answer: Group<Item, Result>['answer']): void {
    queue.push({ items, outcomes: [], next: 0, unanswered: items.length, answer });
    queued += items.length;
    // One turn of the event loop gathers everything that arrived in the same read.
    if (flushScheduled || !mayLeave()) return;
    flushScheduled = true;
    setImmediate(flush);
  }

  return {
    submit(item) {
      const refused = refusal(1);
      if (refused !== undefined) return Promise.reject(refused);
      return new Promise((resolve, reject) => {
        enqueue([item], ([outcome]) => {
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome as Result);
        });
      });
    },
    submitAll(items) {
      if (items.length === 0) return Promise.resolve([]);
      const refused = refusal(items.length);
      if (refused !== undefined) return Promise.resolve(items.map(() => refused));
      return new Promise((resolve) => enqueue(items, resolve));
    },
    get queued() {
      return queued;
    },
    close() {
      closed = true;
      if (inFlight === 0 && queued === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
