/** Where a command is defined. */
import type { Session } from './session.ts';

export interface CommandSite {
  readonly session: Session;
  /** Makes an action of a function that may give back the exit code. */
  act<Words extends unknown[]>(
    run: (...words: Words) => Promise<number | undefined> | Promise<void>,
  ): (...words: Words) => Promise<void>;
}
