/** `limits`: limits for each player of a board, for all actions or for one kind of action. */
import { type Command, Option } from 'commander';
import type { BoardLimits as WireLimits } from '../../../gen/scoreboard/score/v1/limits_pb.ts';
import { MAX_SCORE, parseActionId, parseLeaderboard } from '../../shared/values/identifiers.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { noteUnknownBoard } from '../players/unknown.ts';
import { formatTable } from '../terminal/table.ts';
import { InputError, reading } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };
const HEADINGS = [
  ...['board', 'kind', 'max points', 'max window points', 'max window actions'],
  ...['window s', 'min interval ms'],
];
const MAX_SPAN_S = 31n * 24n * 60n * 60n;
/** Longer than any valid number. */
const WHOLE = /^\d{1,20}$/;

/** Limits for each player; a missing field means no limit. */
interface Limits {
  readonly maxPoints?: bigint;
  readonly maxWindowPoints?: bigint;
  readonly maxWindowActions?: bigint;
  /** Seconds. */
  readonly window?: bigint;
  /** Milliseconds. */
  readonly minInterval?: bigint;
}

interface GivenLimits extends Limits {
  readonly kind: string;
  readonly json?: boolean;
}

export function defineLimits(program: Command, site: CommandSite): void {
  const { act } = site;
  const limits = program.command('limits').description('show and set the limits for each player of a board');
  limits
    .command('show')
    .description('show the rules of one board, or of all boards')
    .argument('[board]', 'the board', reading(parseLeaderboard))
    .action(act(async (board: string | undefined) => showLimits(site, board ?? '')));
  limits
    .command('set')
    .description('replace the rule for all actions of a board, or for one kind of action')
    .argument('<board>', 'the board', reading(parseLeaderboard))
    .addOption(kindOption())
    .addOption(numberOption('--max-points <n>', 'the most points of one action', 0n, MAX_SCORE))
    .addOption(
      numberOption('--max-window-points <n>', 'the most points of a player in a window', 1n, MAX_SCORE),
    )
    .addOption(
      numberOption('--max-window-actions <n>', 'the most actions of a player in a window', 1n, MAX_SCORE),
    )
    .addOption(numberOption('--window <seconds>', 'the length of the window', 1n, MAX_SPAN_S))
    .addOption(
      numberOption(
        '--min-interval <ms>',
        'the shortest time between two actions of a player',
        1n,
        MAX_SPAN_S * 1_000n,
      ),
    )
    .action(
      act(async (board: string, { kind, json: _, ...given }: GivenLimits, command: Command) => {
        const wrong = problemOf(given);
        if (wrong !== undefined) command.error(`error: ${wrong}`);
        return setLimits(site, { leaderboard: board, kind }, given);
      }),
    );
  limits
    .command('clear')
    .description('remove the rule; exit code 1 if there is none')
    .argument('<board>', 'the board', reading(parseLeaderboard))
    .addOption(kindOption())
    .action(
      act(async (leaderboard: string, { kind }: { kind: string }) =>
        clearLimits(site, { leaderboard, kind }),
      ),
    );
}

function kindOption(): Option {
  return new Option('--kind <kind>', 'only actions whose id begins with this kind and "_"')
    .default('', 'all actions')
    .argParser(
      reading((text) => {
        if (parseActionId(text).includes('_')) throw new InputError('A kind must not contain "_".');
        return text;
      }),
    );
}

function numberOption(flags: string, description: string, min: bigint, max: bigint): Option {
  return new Option(flags, description).argParser(
    reading((text) => {
      const value = WHOLE.test(text) ? BigInt(text) : -1n;
      if (value < min || value > max)
        throw new InputError(`It must be a whole number from ${min} to ${max}.`);
      return value;
    }),
  );
}

/** Describes what is wrong with a rule as a whole; undefined if it is valid. */
function problemOf(limits: Limits): string | undefined {
  if (Object.keys(limits).length === 0) return 'give at least one limit';
  const limitsWindow = limits.maxWindowPoints !== undefined || limits.maxWindowActions !== undefined;
  if ((limits.window !== undefined) === limitsWindow) return undefined;
  return '--window must be given together with --max-window-points or --max-window-actions';
}

interface Rule {
  readonly leaderboard: string;
  readonly kind: string;
}

async function setLimits({ session, print }: CommandSite, rule: Rule, limits: Limits): Promise<void> {
  const { window, minInterval, ...others } = limits;
  const client = await session.limits();
  await client.setLimits(
    {
      limits: {
        ...{ ...rule, ...others },
        ...(window !== undefined && { windowMs: window * 1_000n }),
        ...(minInterval !== undefined && { minIntervalMs: minInterval }),
      },
    },
    CALL,
  );
  await print(`limits set for ${nameOf(rule)}\n`, { ...rule, changed: true });
  await noteUnknownBoard(session, rule.leaderboard);
}

/** Returns the exit code: 1 if there was no such rule. */
async function clearLimits({ session, print }: CommandSite, rule: Rule): Promise<number> {
  const client = await session.limits();
  const { limits } = await client.listLimits({ leaderboard: rule.leaderboard }, CALL);
  const changed = limits.some(({ kind }) => kind === rule.kind);
  if (changed) await client.setLimits({ limits: rule }, CALL);
  const text = changed ? `limits cleared for ${nameOf(rule)}` : `there were no limits for ${nameOf(rule)}`;
  await print(`${text}\n`, { ...rule, changed });
  return changed ? 0 : 1;
}

function nameOf({ leaderboard, kind }: Rule): string {
  return kind === '' ? leaderboard : `${leaderboard}, actions of the kind ${kind}`;
}

async function showLimits({ session, print }: CommandSite, leaderboard: string): Promise<void> {
  const { limits } = await (await session.limits()).listLimits({ leaderboard }, CALL);
  await print(formatTable(HEADINGS, limits.map(toColumns)), { limits: limits.map(toFields) });
  if (leaderboard !== '' && limits.length === 0) await noteUnknownBoard(session, leaderboard);
}

function toFields({ leaderboard, kind, windowMs, ...limits }: WireLimits) {
  const { maxPoints, maxWindowPoints, maxWindowActions, minIntervalMs } = limits;
  return {
    ...{ leaderboard, kind, maxPoints, maxWindowPoints, maxWindowActions },
    ...(windowMs !== undefined && { windowS: Number(windowMs) / 1_000 }),
    minIntervalMs,
  };
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
