/**
 * Asks before something that cannot be undone, if a person sits at the terminal. A script is not asked: it has no one to answer,
 * and `--yes` would only be one more word in it.
 */
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

export interface Confirmable {
  readonly yes?: boolean;
}

const YES = /^y(?:es)?$/i;

export function addYesOption(command: Command): Command {
  return command.option('-y, --yes', 'do not ask on a terminal');
}

/** Throws unless the operator agrees. `consequence` is a sentence. */
export async function confirm(
  terminal: Pick<Terminal, 'isInteractive' | 'ask'>,
  consequence: string,
  { yes = false }: Confirmable,
): Promise<void> {
  if (yes || !terminal.isInteractive) return;
  const answer = await terminal.ask(`${consequence} Continue? [y/N] `);
  if (!YES.test(answer.trim())) throw new Error('not confirmed: nothing was changed');
}
