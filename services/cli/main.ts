/** The operator's command line: results go to standard output, everything else to standard error. */
import { openSession } from './connect/session.ts';
import { runCommandLine } from './program.ts';
import { askAtTerminal } from './terminal/ask.ts';
import { createOutput } from './terminal/output.ts';

const { argv, env, stdin, stdout, stderr } = process;
const output = createOutput(stdout, (message, code) => {
  if (message !== undefined) stderr.write(`${message}\n`);
  process.exit(code);
});
const session = openSession({
  ...{ env, ...output },
  input: () => stdin.setEncoding('utf8'),
  complain: (text) => void stderr.write(text),
  isInteractive: stdin.isTTY === true && stderr.isTTY === true,
  ask: (question) => askAtTerminal(question, { input: stdin, output: stderr }),
});
process.exitCode = await runCommandLine(argv.slice(2), session);
// Without this the process would wait for the program that writes to its standard input.
stdin.destroy();
