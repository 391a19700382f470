/** What a command has of the process around it. */
import type { Environment } from '../../shared/settings/env.ts';
import type { Output } from './output.ts';

export interface Terminal extends Output {
  readonly env: Environment;
  /** Standard input, in pieces of any size. */
  input(): AsyncIterable<string>;
  /** Writes to standard error. */
  complain(text: string): void;
  /** Whether a person can be asked: input and messages are a terminal. */
  readonly isInteractive: boolean;
  /** Asks the person at the terminal. Returns the line that was typed; empty if the input ended. */
  ask(question: string): Promise<string>;
}
