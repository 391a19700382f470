/**
 * All commands as one program. The exit code is 0 if the command succeeded and its output was written, 1 if it failed or its
 * answer is no, and 2 if the arguments are wrong.
 */
import { Command, CommanderError } from 'commander';
import { readVersion } from '../shared/telemetry/version.ts';
import type { CommandSite } from './connect/command-site.ts';
import type { Session } from './connect/session.ts';
import { describeFailure } from './terminal/operator-words.ts';
import { createPrint } from './terminal/print.ts';
import { InputError } from './terminal/words.ts';

const NAME = 'npm run --silent cli --';
const WRONG_ARGUMENTS = 2;

/** A command is loaded when it is called: loading all of them would take longer than most commands run. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, site: CommandSite) => void>>> = {
  token: async () => (await import('./auth/token.ts')).defineToken,
  sign: async () => (await import('./auth/sign.ts')).defineSign,
  status: async () => (await import('./stack/status.ts')).defineStatus,
  outbox: async () => (await import('./boards/outbox.ts')).defineOutbox,
  verify: async () => (await import('./boards/verify.ts')).defineVerify,
  keys: async () => (await import('./auth/keys.ts')).defineKeys,
  revoke: async () => (await import('./auth/revoke.ts')).defineRevoke,
  boards: async () => (await import('./boards/boards.ts')).defineBoards,
  top: async () => (await import('./boards/top.ts')).defineTop,
  scores: async () => (await import('./boards/scores.ts')).defineScores,
  limits: async () => (await import('./boards/limits.ts')).defineLimits,
  flags: async () => (await import('./players/flags.ts')).defineFlags,
  quarantine: async () => (await import('./players/quarantine.ts')).defineQuarantine,
  release: async () => (await import('./players/release.ts')).defineRelease,
  certs: async () => (await import('./stack/certs.ts')).defineCerts,
  audit: async () => (await import('./audit/audit.ts')).defineAudit,
  smoke: async () => (await import('./smoke/smoke.ts')).defineSmoke,
};

const EXIT_CODES = `
Exit codes: 0 the command succeeded and its output was written; 1 it failed, or the answer is no; 2 the arguments are wrong.
`;

/** Returns the exit code. */
export async function runCommandLine(words: readonly string[], session: Session): Promise<number> {
  let code = 0;
  let help = '';
  let isJson = false;
  const program = new Command(NAME)
    .version(readVersion(), '--version', 'print the version')
    .exitOverride()
    .showHelpAfterError()
    .addHelpText('after', EXIT_CODES)
    .configureOutput({
      writeOut(text) {
        help += text;
      },
      writeErr: session.complain,
    })
    .hook('preAction', (_, command) => {
      isJson = command.opts().json === true;
    });
  const act: CommandSite['act'] =
    (run) =>
    async (...given) => {
      code = (await run(...given)) ?? 0;
    };
  const print = createPrint(session.write, () => isJson);
  // The help of the program, and the error for an unknown command, need all commands.
  const [asked = ''] = words;
  const needed = Object.hasOwn(COMMANDS, asked) ? [asked] : Object.keys(COMMANDS);
  const loads = needed.flatMap((name) => COMMANDS[name] ?? []);
  for (const load of loads) (await load())(program, { session, print, act });
  addJsonOption(program);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      session.complain(`${describeFailure(error)}\n`);
      return error instanceof InputError ? WRONG_ARGUMENTS : 1;
    }
    // Commander has printed the error. Help and version end like this too.
    if (help !== '') await session.write(help);
    return error.exitCode === 0 ? 0 : WRONG_ARGUMENTS;
  } finally {
    session.close();
  }
}

/** Every command that does something prints something. */
function addJsonOption({ commands }: Command): void {
  for (const command of commands) {
    if (command.commands.length === 0) command.option('--json', 'print the result as JSON, one line');
    else addJsonOption(command);
  }
}
