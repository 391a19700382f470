/** The queue of a coalescer. Items are added in groups, leave in batches, and each group is answered once all its items are. */
export interface Group<Item, Result> {
  readonly items: readonly Item[];
  readonly outcomes: Array<Result | Error>;
  /** The first item that is still in the queue. */
  next: number;
  unanswered: number;
  readonly answer: (outcomes: ReadonlyArray<Result | Error>) => void;
}

/** Where the outcome of one item of a batch belongs. */
export interface Place<Item, Result> {
  readonly group: Group<Item, Result>;
  readonly index: number;
}

export interface Batch<Item, Result> {
  readonly items: Item[];
  readonly places: Place<Item, Result>[];
}

export class GroupQueue<Item, Result> {
  readonly #groups: Group<Item, Result>[] = [];
  readonly #lapsed: ((item: Item) => Error | undefined) | undefined;
  #size = 0;

  /** `lapsed` returns an error for an item that need not be sent any more. */
  constructor(lapsed?: (item: Item) => Error | undefined) {
    this.#lapsed = lapsed;
  }

  /** Items that have not left. */
  get size(): number {
    return this.#size;
  }

  add(items: readonly Item[], answer: Group<Item, Result>['answer']): void {
    this.#groups.push({ items, outcomes: [], next: 0, unanswered: items.length, answer });
    this.#size += items.length;
  }

  /** Removes the next batch from the front. Lapsed items are answered and left out, so that it may be empty. */
  take(maxBatch: number): Batch<Item, Result> {
    const items: Item[] = [];
    const places: Place<Item, Result>[] = [];
    let emptied = 0;
    for (const group of this.#groups) {
      while (group.next < group.items.length && items.length < maxBatch) {
        const index = group.next;
        const item = group.items[index] as Item;
        group.next += 1;
        this.#size -= 1;
        const error = this.#lapsed?.(item);
        if (error === undefined) {
          items.push(item);
          places.push({ group, index });
        } else settle({ group, index }, error);
      }
      if (group.next < group.items.length) break;
      emptied += 1;
    }
    this.#groups.splice(0, emptied);
    return { items, places };
  }
}

export function settle<Item, Result>({ group, index }: Place<Item, Result>, outcome: Result | Error): void {
  group.outcomes[index] = outcome;
  group.unanswered -= 1;
  if (group.unanswered === 0) group.answer(group.outcomes);
}
