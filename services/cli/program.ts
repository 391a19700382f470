/**
 * All commands as one program. The exit code is 0 when the command did what was asked and its output was written, 1 when it
 * failed or the answer is no, and 2 when the words do not fit.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { defineAudit } from './audit.ts';
import { defineCerts } from './certs.ts';
import type { CommandSite } from './command-site.ts';
import { defineFlags } from './flags.ts';
import { defineKeys } from './keys.ts';
import { defineLimits } from './limits.ts';
import { defineOutbox } from './outbox.ts';
import { defineQuarantine } from './quarantine.ts';
import { defineRevoke } from './revoke.ts';
import type { Session } from './session.ts';
import { defineSign } from './sign.ts';
import { defineStatus } from './status.ts';
import { defineToken } from './token.ts';
import { defineVerify } from './verify.ts';
import { InputError } from './words.ts';

export const NAME = 'npm run --silent cli --';
const WRONG_WORDS = 2;
const COMMANDS = [
  ...[defineToken, defineSign, defineStatus, defineOutbox, defineVerify, defineKeys, defineRevoke],
  ...[defineLimits, defineFlags, defineQuarantine, defineCerts, defineAudit],
];

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
  for (const define of COMMANDS) define(program, { session, act });
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
