/**
 * A secret text: a key, or an address with a password. It prints as a mask in every form. Only `reveal` returns the text, for the
 * doors that pass it to a library.
 */
import { inspect } from 'node:util';

const MASK = '[masked]';

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** For doors whose callers may have plain text, such as an address without a password. */
  static of(text: Secret | string): Secret {
    return text instanceof Secret ? text : new Secret(text);
  }

  /** The text. Review every call of this. */
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
