/** Parses the operator's arguments into typed values. A wrong argument is named in the message and ends with exit code 2. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError } from '../../shared/errors/app-error.ts';
import { parseUserId } from '../../shared/values/identifiers.ts';
import type { Output } from './output.ts';

/** The input is wrong; the command ends with exit code 2. */
export class InputError extends Error {}

export const STANDARD_INPUT = '-';

const LIST_DEFAULT = 100;
const LIMIT = /^([1-9]\d{0,2}|1000)$/;

/** Makes a commander parser of a function that throws InputError or AppError. */
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

/** The option of all lists, from 1 to the most that the service lists in one answer. */
export function listLimit(): Option {
  return new Option('--limit <n>', 'the number of entries to show, at most 1000')
    .default(LIST_DEFAULT)
    .argParser(
      reading((text) => {
        if (!LIMIT.test(text)) throw new InputError('It must be a number from 1 to 1000.');
        return Number(text);
      }),
    );
}

/** For a command that takes either a player or an option. */
export function expectOneOf(
  command: Command,
  user: string | undefined,
  option: `--${string}`,
  given = false,
): void {
  if ((user === undefined) === given) return;
  command.error(given ? `error: ${option} takes no user` : `error: give a user, or ${option}`);
}

/** For a command that prints a value: throws if standard output is closed, before the value is made. */
export function expectOutput({ isOpen }: Output): void {
  if (!isOpen()) throw new Error('standard output is closed: the value would be lost');
}
