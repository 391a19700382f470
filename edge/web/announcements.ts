/**
 * What a screen reader says about a moving board: at a pace one can listen to, one sentence at a time, about the most
 * important thing that changed since the last sentence. What happened in between is left out, never queued, so what is
 * said is always true now.
 */
import type { Board, BoardEntry } from './frames.js';

/** A sentence takes about three seconds to hear. */
export const ANNOUNCE_EVERY_MS = 5_000;

const PODIUM = 3;

type Entries = readonly BoardEntry[];

/** The one sentence worth saying about the way from `before` to `after`, or undefined. */
export function describeChange(
  before: Entries,
  after: Entries,
  highlight: string | undefined,
  format: (score: number) => string,
): string | undefined {
  const rankBefore = new Map(before.map((entry) => [entry.userId, entry.rank]));
  const [leader] = after;
  if (leader === undefined) return undefined;
  const withScore = (entry: BoardEntry) => `with ${format(entry.score)}`;
  const own = after.find((entry) => entry.userId === highlight);
  const ownBefore = own && rankBefore.get(own.userId);
  if (own !== undefined && ownBefore !== own.rank) {
    return `You are now ${ordinal(own.rank)} ${withScore(own)}`;
  }
  if (highlight !== undefined && own === undefined && rankBefore.has(highlight)) {
    return `You are no longer in the top ${before.length}`;
  }
  if (before[0]?.userId !== leader.userId) return `${leader.username} is now first ${withScore(leader)}`;
  const climber = after.find((entry) => entry.rank < (rankBefore.get(entry.userId) ?? PODIUM + 1));
  if (climber !== undefined && climber.rank <= PODIUM) {
    return `${climber.username} is now ${ordinal(climber.rank)} ${withScore(climber)}`;
  }
  return undefined;
}

const ORDINAL_WORDS = ['', 'first', 'second', 'third'];

function ordinal(rank: number): string {
  return ORDINAL_WORDS[rank] ?? `number ${rank}`;
}

export class Announcer {
  readonly #say: (sentence: string) => void;
  readonly #format: (score: number) => string;
  #said: Entries | undefined;
  #newest: Entries = [];
  #highlight: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(say: (sentence: string) => void, format: (score: number) => string) {
    this.#say = say;
    this.#format = format;
  }

  /** The first board is the starting point: it can be read, so it is not announced. */
  follow(board: Board, highlight: string | undefined): void {
    this.#newest = board.entries;
    this.#highlight = highlight;
    if (this.#said === undefined) this.#said = board.entries;
    else if (this.#timer === undefined) this.#speak();
  }

  /** The next board is a new starting point. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#said = undefined;
  }

  #speak(): void {
    const sentence = describeChange(this.#said ?? [], this.#newest, this.#highlight, this.#format);
    if (sentence === undefined) return;
    this.#said = this.#newest;
    this.#say(sentence);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#speak();
    }, ANNOUNCE_EVERY_MS);
  }
}
