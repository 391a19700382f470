/** The operator's command line: values go to standard output, everything else to standard error. */
import { once } from 'node:events';
import { type Command, InputError, parseCommandLine } from './command-line.ts';
import { runAuthCommand } from './keys.ts';
import { runLimits } from './limits.ts';
import type { LimitsCommand } from './limits-words.ts';
import { listOutbox, type Operator, replayOutbox } from './outbox.ts';
import { connectAuth, connectLimits, connectOperator, findStack } from './running-stack.ts';
import { describeStack } from './status.ts';
import { issueToken, issueTokens, signAction, signLines } from './values.ts';
import { verifyBoards } from './verify.ts';

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
    case 'outbox list':
      return asOperator((operator) => listOutbox(operator, command.limit, write));
    case 'outbox replay':
      return asOperator((operator) => replayOutbox(operator, command.ids, write));
    case 'verify':
      return asOperator((operator) => verifyBoards(operator, write));
    case 'token':
    case 'tokens':
    case 'sign':
    case 'signs':
      await writeValues(command);
      return 0;
    default:
      return aboutLimits(command);
  }
}

/** The exit code. */
async function aboutLimits(command: LimitsCommand): Promise<number> {
  const client = connectLimits(env);
  try {
    return await runLimits(client, command, write);
  } finally {
    client.close();
  }
}

/** The exit code. */
async function asOperator(act: (operator: Operator) => Promise<number>): Promise<number> {
  const operator = connectOperator(env);
  try {
    return await act(operator);
  } finally {
    operator.close();
  }
}

type ValueCommand = Extract<Command, { name: 'token' | 'tokens' | 'sign' | 'signs' }>;

async function writeValues(command: ValueCommand): Promise<void> {
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
