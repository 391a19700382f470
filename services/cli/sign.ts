/** `sign`: signatures of actions, one or as many as there are lines. The output is values alone. */
import type { Command } from 'commander';
import { AppError } from '../shared/errors/app-error.ts';
import { parseActionId, parseLeaderboard, parsePoints, parseUserId } from '../shared/values/identifiers.ts';
import type { CommandSite } from './command-site.ts';
import { lineWords, mapLines } from './map-lines.ts';
import type { AuthClient, Session } from './session.ts';
import { expectOutput, reading, STANDARD_INPUT } from './words.ts';

export interface Action {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

/** A person waits; a file of thousands waits behind its own batches. */
const DEADLINE_MS = 10_000;
/** One message stays well below the service's limit of 1,000 actions. */
const BATCH = 500;
const BATCHES_IN_FLIGHT = 4;
/** Longer than any number that counts. */
const POINTS = /^\d{1,20}$/;

export function defineSign(program: Command, { session, act }: CommandSite): void {
  program
    .command('sign')
    .description(
      'a signature for an action; one for each line "USER ACTION POINTS" of standard input with "-"',
    )
    .usage('[options] <user> <action> <points>\n       sign [options] -')
    .argument(
      '<user>',
      'the player, or "-"',
      reading((text) => (text === STANDARD_INPUT ? text : parseUserId(text))),
    )
    .argument('[action]', 'the id of the action', reading(parseActionId))
    .argument('[points]', 'what it is worth', reading(readPoints))
    .option('--leaderboard <id>', 'the board', reading(parseLeaderboard), parseLeaderboard(undefined))
    .action(
      act(
        async (
          userId: string,
          actionId: string | undefined,
          points: bigint | undefined,
          { leaderboard }: { leaderboard: string },
          command: Command,
        ) => {
          if (userId === STANDARD_INPUT && actionId === undefined) return signLines(session, leaderboard);
          if (actionId === undefined || points === undefined) {
            return command.error(
              `error: missing required argument '${actionId === undefined ? 'action' : 'points'}'`,
            );
          }
          return printSignature(session, { leaderboard, userId, actionId, points });
        },
      ),
    );
}

/** One line of standard input: "USER ACTION POINTS". */
export function parseActionLine(line: string, leaderboard: string): Action {
  const [user, action, points = ''] = lineWords(line, ['USER', 'ACTION', 'POINTS']);
  return {
    leaderboard,
    userId: parseUserId(user),
    actionId: parseActionId(action),
    points: readPoints(points),
  };
}

function readPoints(text: string): bigint {
  if (!POINTS.test(text)) throw new AppError('POINTS_INVALID');
  return parsePoints(BigInt(text));
}

async function printSignature(session: Session, action: Action): Promise<void> {
  expectOutput(session);
  const [signature = ''] = await signActions(await session.auth(), [action]);
  await session.write(`${signature}\n`);
}

async function signLines(session: Session, leaderboard: string): Promise<void> {
  expectOutput(session);
  const auth = await session.auth();
  await mapLines({
    chunks: session.input(),
    parse: (line) => parseActionLine(line, leaderboard),
    send: (actions) => signActions(auth, actions),
    batchSize: BATCH,
    inFlight: BATCHES_IN_FLIGHT,
    write: session.write,
  });
}

async function signActions(auth: AuthClient, actions: readonly Action[]): Promise<string[]> {
  const { signatures } = await auth.signActions({ actions: [...actions] }, { deadlineMs: DEADLINE_MS });
  if (signatures.length !== actions.length) throw new Error('the auth service left signatures out');
  return signatures.map(({ signature }) => signature);
}
