/** Asks a question at the terminal. */
import { createInterface } from 'node:readline';

/** Resolves with the line that was typed; empty if the input ended, as with Ctrl-D, or was interrupted. */
export function askAtTerminal(
  question: string,
  streams: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream },
): Promise<string> {
  const terminal = createInterface(streams);
  return new Promise((resolve) => {
    terminal.once('close', () => resolve(''));
    terminal.once('SIGINT', () => terminal.close());
    terminal.question(question, (answer) => {
      resolve(answer);
      terminal.close();
    });
  });
}
