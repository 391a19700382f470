/** The operator's command line: values go to standard output, everything else to standard error. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AuditClient,
  erasePlayer,
  exportChain,
  listRejected,
  printAuditHead,
  verifyFile,
  verifyStack,
} from './audit.ts';
import type { AuditCommand } from './audit-command.ts';
import { runProgram } from './child-command.ts';
import { type Command, InputError, parseCommandLine } from './command-line.ts';
import { runAuthCommand } from './keys.ts';
import { runLimits } from './limits.ts';
import type { LimitsCommand } from './limits-words.ts';
import { listOutbox, type Operator, replayOutbox } from './outbox.ts';
import {
  connectAudit,
  connectAuth,
  connectLimits,
  connectOperator,
  findStack,
  readAuditKey,
} from './running-stack.ts';
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
    case 'certs':
      return runProgram('local/certs-main.ts', command.words, env);
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
    case 'limits show':
    case 'limits set':
    case 'flags list':
    case 'flags clear':
    case 'quarantine':
    case 'quarantine list':
    case 'release':
      return aboutLimits(command);
    default:
      return runAudit(command);
  }
}

/**
 * What was revoked is refused everywhere within a second. Refused attempts from before that are gathered for five more in each
 * score service; once those are written too, nothing of the player is on its way any more.
 */
const NOTHING_ON_ITS_WAY_MS = 7_500;

/** The exit code. */
async function runAudit(command: AuditCommand): Promise<number> {
  switch (command.name) {
    case 'audit head':
      return asAuditor((audit) => printAuditHead(audit, write));
    case 'audit export':
      return asAuditor((audit) => exportChain(audit, write));
    case 'audit verify': {
      const options = { key: readAuditKey(env), expected: command.expected };
      if (command.file !== undefined) return verifyFile(command.file, options, write);
      return asAuditor((audit) => verifyStack(audit, options, write));
    }
    case 'audit rejected':
      return asAuditor((audit) => listRejected(audit, command, write));
    case 'audit erase': {
      const code = await runAuthCommand(env, 'revoke', ['player', command.userId]);
      if (code !== 0) return code;
      await delay(NOTHING_ON_ITS_WAY_MS);
      return asAuditor((audit) => erasePlayer(audit, command.userId, write));
    }
  }
}

async function asAuditor(act: (audit: AuditClient) => Promise<number>): Promise<number> {
  const audit = connectAudit(env);
  try {
    return await act(audit);
  } finally {
    audit.close();
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
