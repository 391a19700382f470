/** `limits`: what one player may do on a board, for all actions or for those of a kind. */
import { type Command, Option } from 'commander';
import type { BoardLimits as WireLimits } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { MAX_SCORE, parseActionId, parseLeaderboard } from '../shared/values/identifiers.ts';
import type { CommandSite } from './command-site.ts';
import type { Session } from './session.ts';
import { formatTable } from './table.ts';
import { InputError, reading } from './words.ts';

const CALL = { deadlineMs: 10_000 };
const HEADINGS = [
  ...['board', 'kind', 'max points', 'max window points', 'max window actions'],
  ...['window s', 'min interval ms'],
];
const MAX_SPAN_S = 31n * 24n * 60n * 60n;
/** Longer than any number that counts. */
const WHOLE = /^\d{1,20}$/;

/** What one player may do; what is left out limits nothing. */
interface Limits {
  readonly maxPoints?: bigint;
  readonly maxWindowPoints?: bigint;
  readonly maxWindowActions?: bigint;
  /** Seconds. */
  readonly window?: bigint;
  /** Milliseconds. */
  readonly minInterval?: bigint;
}

export function defineLimits(program: Command, { session, act }: CommandSite): void {
  const limits = program.command('limits').description('what players may do on a board');
  limits
    .command('show')
    .description('the rules of a board, or of all')
    .argument('[board]', 'the board', reading(parseLeaderboard))
    .action(act(async (board: string | undefined) => showLimits(session, board ?? '')));
  limits
    .command('set')
    .description('replaces the rule for all actions of a board, or for those of a kind')
    .argument('<board>', 'the board', reading(parseLeaderboard))
    .addOption(kindOption())
    .addOption(numberOption('--max-points <n>', 'points of one action', 0n, MAX_SCORE))
    .addOption(numberOption('--max-window-points <n>', 'points of a player in a window', 1n, MAX_SCORE))
    .addOption(numberOption('--max-window-actions <n>', 'actions of a player in a window', 1n, MAX_SCORE))
    .addOption(numberOption('--window <seconds>', 'length of the window', 1n, MAX_SPAN_S))
    .addOption(numberOption('--min-interval <ms>', 'least time between two actions', 1n, MAX_SPAN_S * 1_000n))
    .action(
      act(async (board: string, { kind, ...given }: Limits & { kind: string }, command: Command) => {
        const wrong = whatDoesNotFit(given);
        if (wrong !== undefined) command.error(`error: ${wrong}`);
        return setLimits(session, board, kind, given);
      }),
    );
  limits
    .command('clear')
    .description('takes the rule away')
    .argument('<board>', 'the board', reading(parseLeaderboard))
    .addOption(kindOption())
    .action(act(async (board: string, { kind }: { kind: string }) => setLimits(session, board, kind, {})));
}

function kindOption(): Option {
  return new Option('--kind <kind>', 'actions whose id begins with the kind and "_"').default('').argParser(
    reading((text) => {
      if (parseActionId(text).includes('_')) throw new InputError('A kind has no "_".');
      return text;
    }),
  );
}

function numberOption(flags: string, description: string, min: bigint, max: bigint): Option {
  return new Option(flags, description).argParser(
    reading((text) => {
      const value = WHOLE.test(text) ? BigInt(text) : -1n;
      if (value < min || value > max) throw new InputError(`It is a whole number from ${min} to ${max}.`);
      return value;
    }),
  );
}

/** What is wrong with the limits of one rule together. */
function whatDoesNotFit(limits: Limits): string | undefined {
  if (Object.keys(limits).length === 0) return 'there is no limit to set';
  const limitsWindow = limits.maxWindowPoints !== undefined || limits.maxWindowActions !== undefined;
  if ((limits.window !== undefined) === limitsWindow) return undefined;
  return '--window is given together with --max-window-points or --max-window-actions';
}

async function setLimits(session: Session, leaderboard: string, kind: string, limits: Limits): Promise<void> {
  const { window, minInterval, ...others } = limits;
  const client = await session.limits();
  await client.setLimits(
    {
      limits: {
        ...{ leaderboard, kind, ...others },
        ...(window !== undefined && { windowMs: window * 1_000n }),
        ...(minInterval !== undefined && { minIntervalMs: minInterval }),
      },
    },
    CALL,
  );
}

async function showLimits(session: Session, leaderboard: string): Promise<void> {
  const { limits } = await (await session.limits()).listLimits({ leaderboard }, CALL);
  await session.write(formatTable(HEADINGS, limits.map(toColumns)));
}

function toColumns(limits: WireLimits): string[] {
  const { windowMs } = limits;
  const windowS = windowMs === undefined ? undefined : Number(windowMs) / 1_000;
  const values = [
    ...[limits.maxPoints, limits.maxWindowPoints, limits.maxWindowActions],
    ...[windowS, limits.minIntervalMs],
  ];
  return [limits.leaderboard, limits.kind || '-', ...values.map((value) => String(value ?? '-'))];
}
