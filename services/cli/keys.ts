/** `keys`: the signing keys of the auth service. */
import { Argument, type Command } from 'commander';
import { runAuthProgram } from './child-command.ts';
import type { CommandSite } from './command-site.ts';
import { findAuth, untilObeyed } from './obeyed.ts';
import type { Session } from './session.ts';

export function defineKeys(program: Command, { session, act }: CommandSite): void {
  const keys = program.command('keys').description('the signing keys');
  const kind = () => new Argument('<kind>', 'keys of tokens or of actions').choices(['token', 'action']);
  keys
    .command('list')
    .description('the keys that are in use')
    .action(act(async () => run(session, ['list'])));
  keys
    .command('rotate')
    .description('makes a new key, which signs from a minute on; prints its id')
    .addArgument(kind())
    .action(act(async (of: string) => run(session, ['rotate', of])));
  keys
    .command('withdraw')
    .description('takes a key back: nothing that it signed is accepted any more')
    .addArgument(kind())
    .argument('<kid>', 'the id of the key, from "keys list"')
    .action(act(async (of: string, kid: string) => withdraw(session, of, kid)));
}

/** The exit code. */
async function run(session: Session, words: readonly string[]): Promise<number> {
  const { code, output } = await runAuthProgram(session.env, 'keys', words);
  await session.write(output);
  return code;
}

/** The service hands out token keys alone, so only of those it can be asked. */
async function withdraw(session: Session, kind: string, kid: string): Promise<number> {
  const auth = kind === 'token' ? await findAuth(session) : undefined;
  const { code, output } = await runAuthProgram(session.env, 'keys', ['withdraw', kind, kid]);
  if (code === 0 && auth !== undefined)
    await untilObeyed(auth, ({ jwksJson }) => !keyIdsOf(jwksJson).includes(kid));
  await session.write(output);
  return code;
}

function keyIdsOf(jwksJson: string): (string | undefined)[] {
  return (JSON.parse(jwksJson) as { keys: { kid?: string }[] }).keys.map(({ kid }) => kid);
}
