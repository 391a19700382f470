/** `keys`: the signing keys of the auth service. A change is told as done once the running service has it. */
import { Argument, type Command } from 'commander';
import type { GetKeySetResponse } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { runAuthProgram } from './child-command.ts';
import type { CommandSite } from './command-site.ts';
import { findAuth, untilObeyed } from './obeyed.ts';
import type { Session } from './session.ts';

type Kind = 'token' | 'action';

export function defineKeys(program: Command, { session, act }: CommandSite): void {
  const keys = program.command('keys').description('the signing keys');
  const kind = () => new Argument('<kind>', 'keys of tokens or of actions').choices(['token', 'action']);
  keys
    .command('list')
    .description('the keys that are in use')
    .action(act(async () => list(session)));
  keys
    .command('rotate')
    .description('makes a new key, which signs from a minute on; prints its id')
    .addArgument(kind())
    .action(act(async (of: Kind) => change(session, ['rotate', of])));
  keys
    .command('withdraw')
    .description('takes a key back: nothing that it signed is accepted any more')
    .addArgument(kind())
    .argument('<kid>', 'the id of the key, from "keys list"')
    .action(act(async (of: Kind, kid: string) => change(session, ['withdraw', of, kid])));
}

/** The exit code. */
async function list(session: Session): Promise<number> {
  const { code, output } = await runAuthProgram(session.env, 'keys', ['list']);
  await session.write(output);
  return code;
}

/** The exit code, once the running service has what was changed. */
async function change(session: Session, words: readonly ['rotate' | 'withdraw', Kind, ...string[]]) {
  const auth = await findAuth(session);
  const { code, output } = await runAuthProgram(session.env, 'keys', words);
  const [verb, kind, kid = output.trim()] = words;
  if (code === 0 && auth !== undefined)
    await untilObeyed(auth, (keySet) => keyIdsIn(keySet, kind).includes(kid) === (verb === 'rotate'));
  await session.write(output);
  return code;
}

function keyIdsIn({ jwksJson, actionKeyIds }: GetKeySetResponse, kind: Kind): (string | undefined)[] {
  if (kind === 'action') return actionKeyIds;
  return (JSON.parse(jwksJson) as { keys: { kid?: string }[] }).keys.map(({ kid }) => kid);
}
