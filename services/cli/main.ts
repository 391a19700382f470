/** The operator's command line: values go to standard output, everything else to standard error. */
import { once } from 'node:events';
import { type Command, InputError, parseCommandLine } from './command-line.ts';
import { runAuthCommand } from './keys.ts';
import { connectAuth, findStack } from './running-stack.ts';
import { describeStack } from './status.ts';
import { issueToken, issueTokens, signAction, signLines } from './values.ts';

const { env, stdin, stdout, stderr } = process;

// The reader of our output has had enough, as "head" does.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

async function write(text: string): Promise<void> {
  if (!stdout.write(text)) await once(stdout, 'drain');
}

/** The exit code. */
async function run(command: Command): Promise<number> {
  switch (command.name) {
    case 'status': {
      const { table, ready } = await describeStack(findStack(env));
      await write(`${table}\n`);
      return ready ? 0 : 1;
    }
    case 'keys':
    case 'revoke':
      return runAuthCommand(env, command.name, command.words);
    default:
      await writeValues(command);
      return 0;
  }
}

async function writeValues(command: Exclude<Command, { name: 'status' | 'keys' | 'revoke' }>): Promise<void> {
  const auth = connectAuth(env);
  const streams = () => ({ chunks: stdin.setEncoding('utf8'), write });
  try {
    switch (command.name) {
      case 'token':
        return await write(`${await issueToken(auth, command)}\n`);
      case 'sign':
        return await write(`${await signAction(auth, command.action)}\n`);
      case 'tokens':
        return await issueTokens(auth, streams());
      case 'signs':
        return await signLines(auth, command.leaderboard, streams());
    }
  } finally {
    auth.close();
  }
}

try {
  process.exitCode = await run(parseCommandLine(process.argv.slice(2)));
} catch (error) {
  stderr.write(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
  process.exitCode = error instanceof InputError ? 2 : 1;
}
// Whoever feeds us need not end first.
stdin.destroy();
