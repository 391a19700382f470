/** `sign`: signs one action, or one for each line of standard input. Prints only the signatures. */
import type { Command } from 'commander';
import { AppError } from '../../shared/errors/app-error.ts';
import {
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../../shared/values/identifiers.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { AuthClient } from '../connect/connect-auth.ts';
import type { Session } from '../connect/session.ts';
import { lineWords, mapLines } from '../terminal/map-lines.ts';
import { formatEach, type Print } from '../terminal/print.ts';
import { expectOutput, reading, STANDARD_INPUT } from '../terminal/words.ts';

export interface Action {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

/** A person waits for one answer; the batches of a large file wait for each other. */
const LIMIT_MS = 10_000;
/** Well below the service's limit of 1,000 actions a request. */
const BATCH = 500;
const BATCHES_IN_FLIGHT = 4;
/** Longer than any valid number. */
const POINTS = /^\d{1,20}$/;

interface Options {
  readonly leaderboard: string;
  readonly json?: boolean;
}

export function defineSign(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('sign')
    .description('sign an action; with "-", one for each line "USER ACTION POINTS [BOARD]" of standard input')
    .usage('[options] <user> <action> <points>\n       sign [options] -')
    .argument(
      '<user>',
      'the player, or "-" for standard input',
      reading((text) => (text === STANDARD_INPUT ? text : parseUserId(text))),
    )
    .argument('[action]', 'the id of the action', reading(parseActionId))
    .argument('[points]', 'the points of the action', reading(readPoints))
    .option(
      '--leaderboard <id>',
      'the board; with "-", the board of lines that name none',
      reading(parseLeaderboard),
      parseLeaderboard(undefined),
    )
    .action(
      act(
        async (
          userId: string,
          actionId: string | undefined,
          points: bigint | undefined,
          { leaderboard, json = false }: Options,
          command: Command,
        ) => {
          if (userId === STANDARD_INPUT && actionId === undefined)
            return signLines(session, leaderboard, formatEach('signature', json));
          if (actionId === undefined || points === undefined) {
            return command.error(
              `error: missing required argument '${actionId === undefined ? 'action' : 'points'}'`,
            );
          }
          return printSignature(session, print, { leaderboard, userId, actionId, points });
        },
      ),
    );
}

/** Parses one line of standard input: "USER ACTION POINTS [BOARD]". `leaderboard` is the board of a line without one. */
export function parseActionLine(line: string, leaderboard: string): Action {
  const [user, action, points = '', board = leaderboard] = lineWords(
    line,
    ['USER', 'ACTION', 'POINTS'],
    ['[BOARD]'],
  );
  return {
    leaderboard: parseLeaderboard(board),
    userId: parseUserId(user),
    actionId: parseActionId(action),
    points: readPoints(points),
  };
}

function readPoints(text: string): bigint {
  if (!POINTS.test(text)) throw new AppError('POINTS_INVALID');
  return parsePoints(BigInt(text));
}

async function printSignature(session: Session, print: Print, action: Action): Promise<void> {
  expectOutput(session);
  const [signature = ''] = await signActions(await session.auth(), [action]);
  await print(`${signature}\n`, { signature });
}

async function signLines(
  session: Session,
  leaderboard: string,
  format: (signature: string) => string,
): Promise<void> {
  expectOutput(session);
  const auth = await session.auth();
  await mapLines({
    chunks: session.input(),
    parse: (line) => parseActionLine(line, leaderboard),
    send: async (actions) => (await signActions(auth, actions)).map(format),
    batchSize: BATCH,
    inFlight: BATCHES_IN_FLIGHT,
    write: session.write,
  });
}

async function signActions(auth: AuthClient, actions: readonly Action[]): Promise<string[]> {
  const { signatures } = await auth.signActions({ actions: [...actions] }, { limitMs: LIMIT_MS });
  if (signatures.length !== actions.length) throw new Error('the auth service returned too few signatures');
  return signatures.map(({ signature }) => signature);
}
