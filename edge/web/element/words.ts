/**
 * The words of the element. A page replaces any of them, for another language or another tone. A word in braces stands for a
 * value. Pure.
 */

export interface Words {
  /** Title above the rows. */
  readonly heading: string;
  readonly empty: string;
  /** Mark of the own row. */
  readonly you: string;
  /** Between the last place shown and the own row: `{count}` players. */
  readonly between: string;
  /** For screen readers, beside the arrow: `{count}` places. */
  readonly up: string;
  readonly down: string;
  readonly connecting: string;
  readonly live: string;
  readonly stale: string;
  readonly reconnecting: string;
  readonly offline: string;
  readonly refused: string;
  readonly closed: string;
  /** A `{status}` other than live, and the `{time}` at which the board was last known to be fresh. */
  readonly asOf: string;
  /** What a screen reader says: `{place}` is one of the four below. */
  readonly ownPlace: string;
  readonly ownGone: string;
  readonly placeOf: string;
  readonly first: string;
  readonly second: string;
  readonly third: string;
  /** Any other place: `{rank}`. */
  readonly place: string;
}

export const ENGLISH: Words = {
  heading: 'Leaderboard',
  empty: 'No scores yet. Be the first.',
  you: 'You',
  between: '{count} in between',
  up: 'up {count}',
  down: 'down {count}',
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Delayed',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
  refused: 'Refused',
  closed: 'Disconnected',
  asOf: '{status} · as of {time}',
  ownPlace: 'You are now {place} with {score}',
  ownGone: 'You are no longer in the top {count}',
  placeOf: '{name} is now {place} with {score}',
  first: 'first',
  second: 'second',
  third: 'third',
  place: 'number {rank}',
};

/** The sentence with its values. A brace that names no value stays as it is. */
export function fill(sentence: string, values: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** English with the given words instead. Takes nothing that is no sentence or has no such name. */
export function wordsFrom(given: unknown): Words {
  const replaced = Object.entries(typeof given === 'object' && given !== null ? given : {});
  const known = replaced.filter(([name, word]) => Object.hasOwn(ENGLISH, name) && typeof word === 'string');
  return { ...ENGLISH, ...Object.fromEntries(known) };
}

/** The words of an attribute: a JSON object. Anything else means English. */
export function wordsFromJson(text: string | null): Words {
  try {
    return wordsFrom(JSON.parse(text ?? 'null'));
  } catch {
    return ENGLISH;
  }
}
