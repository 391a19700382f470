/** The operator's command line: values go to standard output, everything else to standard error. */
import { createOutput } from './output.ts';
import { runCommandLine } from './program.ts';
import { openSession } from './session.ts';

const { argv, env, stdin, stdout, stderr } = process;
const output = createOutput(stdout, (message, code) => {
  if (message !== undefined) stderr.write(`${message}\n`);
  process.exit(code);
});
const session = openSession({
  ...{ env, ...output },
  input: () => stdin.setEncoding('utf8'),
  complain: (text) => void stderr.write(text),
});
process.exitCode = await runCommandLine(argv.slice(2), session);
// The program that feeds standard input need not end first.
stdin.destroy();
