/** `scores`: corrects the score of a player on a board. Every correction is an entry of the ledger and of the audit log. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { type Command, Option } from 'commander';
import type { CorrectScoreRequest } from '../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { MAX_SCORE, parseActionId, parseLeaderboard } from '../../shared/values/identifiers.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { InputError, reading, readUser } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };
/** Longer than any valid number. */
const WHOLE = /^\d{1,20}$/;
const DIFFERENCE = /^[+-]?\d{1,20}$/;

type Change = CorrectScoreRequest['change'];

interface Options {
  readonly reason: string;
  readonly operation?: string;
}

export function defineScores(program: Command, site: CommandSite): void {
  const scores = program.command('scores').description('correct the scores of players');
  const define = (name: string, description: string) =>
    scores
      .command(name)
      .description(description)
      .addOption(
        new Option('--reason <text>', 'why, for the audit log; no personal data').makeOptionMandatory(),
      )
      .option('--operation <id>', 'makes a repeat safe: it gets the first answer (default: a new id)');
  const ofBoard = (name: string, description: string) =>
    define(name, description)
      .argument('<board>', 'the board', readBoard)
      .argument('<user>', 'the player', readUser);

  ofBoard('adjust', 'add to the standing score of a player, or deduct from it')
    .argument('<delta>', 'a whole number, such as 50 or -50', readDifference)
    .action(
      site.act(async (leaderboard: string, userId: string, value: bigint, options: Options) =>
        correct(site, { leaderboard, userId }, { case: 'adjustBy', value }, options),
      ),
    );
  ofBoard('set', 'give a player this standing score')
    .argument('<points>', 'a whole number', readPoints)
    .action(
      site.act(async (leaderboard: string, userId: string, value: bigint, options: Options) =>
        correct(site, { leaderboard, userId }, { case: 'setTo', value }, options),
      ),
    );
  ofBoard('remove', 'take a player off a board; a later score starts anew').action(
    site.act(async (leaderboard: string, userId: string, options: Options) =>
      correct(site, { leaderboard, userId }, { case: 'remove', value: true }, options),
    ),
  );
  ofBoard('restore', 'undo all removals of a player from a board').action(
    site.act(async (leaderboard: string, userId: string, options: Options) =>
      correct(site, { leaderboard, userId }, { case: 'restore', value: true }, options),
    ),
  );
  define('void', 'take an action back, as if it had never been; its id never counts again')
    .argument('<user>', 'the player', readUser)
    .argument('<action>', 'the id of the action', reading(parseActionId))
    .action(
      site.act(async (userId: string, value: string, options: Options) =>
        correct(site, { userId }, { case: 'voidAction', value }, options),
      ),
    );
}

const readBoard = reading((text) => {
  if (text === '') throw new InputError('It must be the name of a board.');
  return parseLeaderboard(text);
});

const readPoints = reading((text) => {
  const value = WHOLE.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value > MAX_SCORE) throw new InputError('It must be a whole number from 0 to 2^53-1.');
  return value;
});

const readDifference = reading((text) => {
  const value = DIFFERENCE.test(text) ? BigInt(text.replace('+', '')) : 0n;
  if (value !== 0n && value >= -MAX_SCORE && value <= MAX_SCORE) return value;
  throw new InputError('It must be a whole number up to 2^53-1, with or without a sign, and not 0.');
});

/** Who works at this machine; empty where the user has no name, as in some containers. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

async function correct(
  { session, print }: CommandSite,
  target: { readonly leaderboard?: string; readonly userId: string },
  change: Change,
  { reason, operation: operationId = randomUUID() }: Options,
): Promise<void> {
  const operator = ownName();
  const answer = await (await session.corrections())
    .correctScore({ ...target, change, reason, operationId, operator }, CALL)
    .catch((error: unknown) => {
      session.complain(`to run this command again: --operation ${operationId}\n`);
      throw error;
    });
  const { leaderboard, scoreBefore, scoreAfter, version, replayed } = answer;
  const { userId } = target;
  const [before, after] = [scoreBefore ?? null, scoreAfter ?? null];
  const text = `${leaderboard}\t${userId}\t${before ?? 'no score'}\t→\t${after ?? 'no score'}`;
  const note = replayed ? ' (done before)' : '';
  await print(`${text}${note}\noperation ${operationId}\n`, {
    ...{ board: leaderboard, userId, before, after, version, replayed, operationId },
  });
}
