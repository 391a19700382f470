/**
 * A text that must not be seen: a key, or an address with a password in it. However it is printed, it shows a mask; the
 * text itself comes out by `reveal` alone, which is for the doors that hand it to a library.
 */
import { inspect } from 'node:util';

const MASK = '[masked]';

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** For doors whose callers may hold plain text, such as an address without a password. */
  static of(text: Secret | string): Secret {
    return text instanceof Secret ? text : new Secret(text);
  }

  /** The text. Every call of this is a place to look at. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
