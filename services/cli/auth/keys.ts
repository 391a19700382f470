/** `keys`: the signing keys of the auth service. A change is reported once the running service has taken it. */
import { Argument, type Command } from 'commander';
import type { GetKeySetResponse } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { Session } from '../connect/session.ts';
import { addYesOption, type Confirmable, confirm } from '../terminal/confirm.ts';
import type { Print } from '../terminal/print.ts';
import { runAuthProgram } from './run-auth-program.ts';
import { findAuth, waitUntilTaken } from './wait-until-taken.ts';

type Kind = 'token' | 'action';

interface Change {
  readonly verb: 'rotate' | 'withdraw';
  readonly kind: Kind;
  readonly kid?: string;
}

export function defineKeys(program: Command, { session, print, act }: CommandSite): void {
  const keys = program.command('keys').description('list, rotate and withdraw signing keys');
  const kind = () =>
    new Argument('<kind>', '"token" for the keys of tokens, "action" for those of actions').choices([
      'token',
      'action',
    ]);
  keys
    .command('list')
    .description('list the keys in use')
    .action(act(async () => list(session, print)));
  keys
    .command('rotate')
    .description('make a new key, which signs after one minute; prints its id')
    .addArgument(kind())
    .action(act(async (of: Kind) => change(session, print, { verb: 'rotate', kind: of })));
  addYesOption(keys.command('withdraw'))
    .description('withdraw a key for good: everything that it signed is refused from then on')
    .addArgument(kind())
    .argument('<kid>', 'the id of the key, from "keys list"; put "--" before one that begins with "-"')
    .action(
      act(async (of: Kind, kid: string, { yes = false }: Confirmable) => {
        await confirm(session, `Everything that the ${of} key ${kid} signed will be refused for good.`, {
          yes,
        });
        return change(session, print, { verb: 'withdraw', kind: of, kid });
      }),
    );
}

/** Prints the keys. Returns the exit code. */
async function list(session: Session, print: Print): Promise<number> {
  const { code, output } = await runAuthProgram(session.env, 'keys', ['list']);
  if (code === 0) await print(output, { keys: output.trimEnd().split('\n').slice(1).map(parseKey) });
  return code;
}

function parseKey(line: string) {
  const [kind, kid, state, signsFrom, verifiesUntil] = line.split('\t');
  const time = (text: string | undefined) => (text === '-' ? null : text);
  return { kind, kid, state, signsFrom: time(signsFrom), verifiesUntil: time(verifiesUntil) };
}

/** Changes the keys and waits until the running service has taken the change. Returns the exit code. */
async function change(session: Session, print: Print, { verb, kind, kid }: Change): Promise<number> {
  const auth = await findAuth(session);
  const words = [verb, kind, ...(kid === undefined ? [] : [kid])];
  const { code, output } = await runAuthProgram(session.env, 'keys', words);
  if (code !== 0) return code;
  const changed = kid ?? output.trim();
  if (auth !== undefined)
    await waitUntilTaken(auth, (keySet) => keyIdsIn(keySet, kind).includes(changed) === (verb === 'rotate'));
  await print(output, { kind, kid: changed, [verb === 'rotate' ? 'created' : 'withdrawn']: true });
  return 0;
}

function keyIdsIn({ jwksJson, actionKeyIds }: GetKeySetResponse, kind: Kind): (string | undefined)[] {
  if (kind === 'action') return actionKeyIds;
  return (JSON.parse(jwksJson) as { keys: { kid?: string }[] }).keys.map(({ kid }) => kid);
}
