/**
 * Screen reader announcements of a changing board: one sentence at a time, at a pace that can be followed, about the most
 * important change since the last sentence. Changes in between are skipped, never queued. A sentence that is no longer current
 * is replaced or removed.
 */
import type { Board, BoardEntry } from '../client/frames.js';
import { fill, type Words } from './words.js';

/** A sentence takes about three seconds to hear. */
export const ANNOUNCE_EVERY_MS = 5_000;

const PODIUM = 3;

type Entries = readonly BoardEntry[];

export interface Speech {
  readonly words: Words;
  readonly format: (score: number) => string;
}

const ownIn = (entries: Entries, highlight: string | undefined) =>
  entries.find((entry) => entry.userId === highlight);

/** The most important change from `before` to `after` as one sentence, or undefined. */
export function describeChange(
  before: Entries,
  after: Entries,
  highlight: string | undefined,
  speech: Speech,
): string | undefined {
  const rankBefore = new Map(before.map((entry) => [entry.userId, entry.rank]));
  const [leader] = after;
  if (leader === undefined) return undefined;
  const own = ownIn(after, highlight);
  if (own !== undefined && rankBefore.get(own.userId) !== own.rank) return describeOwn(own, speech);
  if (highlight !== undefined && own === undefined && rankBefore.has(highlight)) {
    return fill(speech.words.ownGone, { count: before.length });
  }
  if (before[0]?.userId !== leader.userId) return describePlace(leader, speech);
  const climber = after.find((entry) => entry.rank < (rankBefore.get(entry.userId) ?? PODIUM + 1));
  return climber !== undefined && climber.rank <= PODIUM ? describePlace(climber, speech) : undefined;
}

function describeOwn({ rank, score }: BoardEntry, { words, format }: Speech): string {
  return fill(words.ownPlace, { place: ordinal(rank, words), score: format(score) });
}

function describePlace({ username, rank, score }: BoardEntry, { words, format }: Speech): string {
  return fill(words.placeOf, { name: username, place: ordinal(rank, words), score: format(score) });
}

function ordinal(rank: number, words: Words): string {
  return ['', words.first, words.second, words.third][rank] ?? fill(words.place, { rank });
}

export class Announcer {
  readonly #say: (sentence: string) => void;
  readonly #speech: () => Speech;
  #said: Entries | undefined;
  /** The own score in the sentence that is in the live region. */
  #ownScore: number | undefined;
  #newest: Entries = [];
  #highlight: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `say` replaces the text of the live region; it gets an empty text when the last sentence is over. */
  constructor(say: (sentence: string) => void, speech: () => Speech) {
    this.#say = say;
    this.#speech = speech;
  }

  /** Announces changes of the board. The first board is not announced: it can be read. */
  follow(board: Board, highlight: string | undefined): void {
    this.#newest = board.entries;
    this.#highlight = highlight;
    if (this.#said === undefined) this.#said = board.entries;
    else if (this.#timer === undefined) this.#speak();
  }

  /** Starts anew with the next board. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#said = undefined;
    this.#ownScore = undefined;
    this.#say('');
  }

  #speak(): void {
    const sentence = this.#nextSentence();
    if (sentence === undefined) {
      if (this.#timer !== undefined) this.#say('');
      this.#timer = undefined;
      return;
    }
    this.#said = this.#newest;
    this.#say(sentence);
    this.#timer = setTimeout(() => this.#speak(), ANNOUNCE_EVERY_MS);
  }

  /** After a sentence about the listener, the own score is said again as long as it grows. */
  #nextSentence(): string | undefined {
    const speech = this.#speech();
    const own = ownIn(this.#newest, this.#highlight);
    const change = describeChange(this.#said ?? [], this.#newest, this.#highlight, speech);
    const isOutdated = own !== undefined && this.#ownScore !== undefined && own.score !== this.#ownScore;
    const sentence = change ?? (isOutdated ? describeOwn(own, speech) : undefined);
    const isAboutOwn = own !== undefined && sentence === describeOwn(own, speech);
    this.#ownScore = isAboutOwn ? own.score : undefined;
    return sentence;
  }
}
