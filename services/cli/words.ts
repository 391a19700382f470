/** How commands read the operator's words: typed values, and refusals that name the argument and end with code 2. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError } from '../shared/errors/app-error.ts';
import { parseUserId } from '../shared/values/identifiers.ts';
import type { Output } from './output.ts';

/** What was typed does not fit: ends with code 2. */
export class InputError extends Error {}

export const STANDARD_INPUT = '-';

const LIST_DEFAULT = 100;
const LIMIT = /^([1-9]\d{0,2}|1000)$/;

/** A parser for an argument or the value of an option. */
export function reading<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof AppError || error instanceof InputError)
        throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

export const readUser = reading(parseUserId);

/** How many of a list to show: from 1 to what the service lists at once. */
export function listLimit(): Option {
  return new Option('--limit <n>', 'how many to show, at most 1000').default(LIST_DEFAULT).argParser(
    reading((text) => {
      if (!LIMIT.test(text)) throw new InputError('It is a number from 1 to 1000.');
      return Number(text);
    }),
  );
}

/** For a command that takes a player, or an option in place of one. */
export function expectOneOf(
  command: Command,
  user: string | undefined,
  option: `--${string}`,
  given = false,
): void {
  if ((user === undefined) === given) return;
  command.error(given ? `error: ${option} takes no user` : `error: name a user, or give ${option}`);
}

/** For a command whose output is a value: without an output it does nothing. */
export function expectOutput({ isOpen }: Output): void {
  if (!isOpen()) throw new Error('standard output is closed: the value would be lost');
}
