/**
 * All commands as one program. The exit code is 0 when the command did what was asked and its output was written, 1 when it
 * failed or the answer is no, and 2 when the words do not fit.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { CommandSite } from './command-site.ts';
import type { Session } from './session.ts';
import { InputError } from './words.ts';

const NAME = 'npm run --silent cli --';
const WRONG_WORDS = 2;

/** Each is loaded when it is asked for: loading all would take longer than most commands. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, site: CommandSite) => void>>> = {
  token: async () => (await import('./token.ts')).defineToken,
  sign: async () => (await import('./sign.ts')).defineSign,
  status: async () => (await import('./status.ts')).defineStatus,
  outbox: async () => (await import('./outbox.ts')).defineOutbox,
  verify: async () => (await import('./verify.ts')).defineVerify,
  keys: async () => (await import('./keys.ts')).defineKeys,
  revoke: async () => (await import('./revoke.ts')).defineRevoke,
  limits: async () => (await import('./limits.ts')).defineLimits,
  flags: async () => (await import('./flags.ts')).defineFlags,
  quarantine: async () => (await import('./quarantine.ts')).defineQuarantine,
  release: async () => (await import('./release.ts')).defineRelease,
  certs: async () => (await import('./certs.ts')).defineCerts,
  audit: async () => (await import('./audit.ts')).defineAudit,
};

/** The exit code. */
export async function runCommandLine(words: readonly string[], session: Session): Promise<number> {
  let code = 0;
  let help = '';
  const program = new Command(NAME)
    .version(readVersion(), '--version', 'the version of this program')
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({
      writeOut(text) {
        help += text;
      },
      writeErr: session.complain,
    });
  const act: CommandSite['act'] =
    (run) =>
    async (...given) => {
      code = (await run(...given)) ?? 0;
    };
  // Help, and words that name no command, speak of all of them.
  const [asked = ''] = words;
  const needed = Object.hasOwn(COMMANDS, asked) ? [asked] : Object.keys(COMMANDS);
  const loads = needed.flatMap((name) => COMMANDS[name] ?? []);
  for (const load of loads) (await load())(program, { session, act });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      session.complain(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
      return error instanceof InputError ? WRONG_WORDS : 1;
    }
    // Commander has told already. Help and version end like this too.
    if (help !== '') await session.write(help);
    return error.exitCode === 0 ? 0 : WRONG_WORDS;
  } finally {
    session.close();
  }
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
