/** What a command is defined with. */
import type { Print } from '../terminal/print.ts';
import type { Session } from './session.ts';

export interface CommandSite {
  readonly session: Session;
  /** Prints a result, as text or as JSON. */
  readonly print: Print;
  /** Turns a function into a commander action. The function may return the exit code; without one the code is 0. */
  act<Words extends unknown[]>(
    run: (...words: Words) => Promise<number | undefined> | Promise<void>,
  ): (...words: Words) => Promise<void>;
}
