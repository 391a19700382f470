/** `boards`: creates boards, lists them, changes their settings and states, and deletes unused ones. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Board } from '../../../gen/scoreboard/score/v1/boards_pb.ts';
import { MAX_DECIMALS, OPERATORS, ORDERS, parseUnit, STATES } from '../../shared/values/board-settings.ts';
import { parseLeaderboard } from '../../shared/values/identifiers.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { formatTable, formatTime } from '../terminal/table.ts';
import { InputError, listLimit, reading } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };
const HEADINGS = ['board', 'operator', 'order', 'decimals', 'unit', 'state', 'scores', 'created'];

/** What an operator may set. */
interface Settings {
  readonly operator?: string;
  readonly order?: string;
  readonly decimals?: number;
  readonly unit?: string;
}

interface Change extends Settings {
  readonly state?: string;
}

export function defineBoards(program: Command, site: CommandSite): void {
  const { act } = site;
  const boards = program.command('boards').description('create boards, list them, and change their settings');
  const define = (name: string, description: string) =>
    boards.command(name).description(description).argument('<board>', 'the board', readBoard);

  addSettings(define('create', 'create a board; exit code 1 if there is one of this name')).action(
    act(async (name: string, { json: _, ...settings }: Settings & { json?: boolean }) => {
      const { board } = await (await site.session.boards()).createBoard({ name, ...settings }, CALL);
      await printBoard(site, board);
    }),
  );
  boards
    .command('list')
    .description('list boards by name')
    .addOption(listLimit())
    .option('--after <board>', 'only boards whose names come after this one', readBoard, '')
    .action(
      act(async ({ limit, after }: { limit: number; after: string }) => {
        const query = { limit, after };
        const { boards: listed } = await (await site.session.boards()).listBoards(query, CALL);
        await site.print(formatTable(HEADINGS, listed.map(toColumns)), { boards: listed.map(toFields) });
      }),
    );
  define('show', 'show the settings of a board; exit code 1 if there is none').action(
    act(async (name: string) => {
      const { boards: found } = await (await site.session.boards()).listBoards({ name }, CALL);
      const [board] = found;
      if (board === undefined) throw new Error(`there is no board ${name}`);
      await printBoard(site, board);
    }),
  );
  addSettings(define('set', 'change settings; operator, order and decimals only before the first score'))
    .addOption(new Option('--state <state>', 'whether it takes scores, and is listed').choices(STATES))
    .action(
      act(async (name: string, { json: _, ...change }: Change & { json?: boolean }, command: Command) => {
        if (Object.keys(change).length === 0) command.error('error: give at least one setting');
        await setBoard(site, name, change);
      }),
    );
  define('close', 'take no more scores; "set --state open" takes them again').action(
    act(async (name: string) => setBoard(site, name, { state: 'closed' })),
  );
  define('archive', 'take no more scores, and leave it out of the list for players').action(
    act(async (name: string) => setBoard(site, name, { state: 'archived' })),
  );
  define('delete', 'delete a board that never had a score; archive the others').action(
    act(async (name: string) => {
      await (await site.session.boards()).deleteBoard({ name }, CALL);
      await site.print(`deleted ${name}\n`, { deleted: name });
    }),
  );
}

function addSettings(command: Command): Command {
  return command
    .addOption(
      new Option('--operator <operator>', 'what a new score does to the standing one').choices(OPERATORS),
    )
    .addOption(new Option('--order <order>', 'whether more or less is better').choices(ORDERS))
    .option('--decimals <n>', `for display: digits after the point, 0 to ${MAX_DECIMALS}`, readDecimals)
    .option('--unit <text>', 'for display: what follows the score', reading(parseUnit));
}

const readBoard = reading((text) => {
  if (text === '') throw new InputError('It must be the name of a board.');
  return parseLeaderboard(text);
});

function readDecimals(text: string): number {
  const value = /^\d$/.test(text) ? Number(text) : Number.NaN;
  if (value <= MAX_DECIMALS) return value;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${MAX_DECIMALS}.`);
}

async function setBoard(site: CommandSite, name: string, change: Change): Promise<void> {
  const { board } = await (await site.session.boards()).setBoard({ name, ...change }, CALL);
  await printBoard(site, board);
}

async function printBoard({ print }: CommandSite, board: Board | undefined): Promise<void> {
  if (board === undefined) throw new Error('the answer lacks the board');
  await print(formatTable(HEADINGS, [toColumns(board)]), { board: toFields(board) });
}

function toFields({ name, operator, order, decimals, unit, state, hasScores, createdAtUnixMs }: Board) {
  const createdAt = formatTime(createdAtUnixMs);
  return { name, operator, order, decimals, unit, state, hasScores, createdAt };
}

function toColumns(board: Board): string[] {
  const { name, operator, order, decimals, unit, state, hasScores, createdAtUnixMs } = board;
  const scores = hasScores ? 'yes' : 'no';
  return [name, operator, order, String(decimals), unit || '-', state, scores, formatTime(createdAtUnixMs)];
}
