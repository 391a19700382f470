/** `outbox`: accepted scores that wait for delivery, what they wait for, and another try for those that were given up. */
import { type Command, InvalidArgumentError } from 'commander';
import type { OutboxEntry } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import type { CommandSite } from './command-site.ts';
import type { OperatorClient, Write } from './session.ts';
import { formatTable, formatTime } from './table.ts';
import { listLimit } from './words.ts';

const DEADLINE_MS = 10_000;
const HEADINGS = ['id', 'state', 'attempts', 'players', 'boards', 'since', 'next try', 'last error'];

const OUTBOX_ID = /^[1-9]\d{0,17}$/;

export function defineOutbox(program: Command, { session, act }: CommandSite): void {
  const outbox = program.command('outbox').description('accepted scores that wait for delivery');
  outbox
    .command('list')
    .description('those that wait, the given up first')
    .addOption(listLimit())
    .action(
      act(async ({ limit }: { limit: number }) => listOutbox(await session.operator(), limit, session.write)),
    );
  outbox
    .command('replay')
    .description('tries some of them again now, or all that were given up')
    .argument('[id...]', 'numbers from "outbox list"', readIds, [])
    .option('--all', 'all that were given up')
    .action(
      act(async (ids: readonly bigint[], { all = false }: { all?: boolean }, command: Command) => {
        if (all === ids.length > 0) command.error('error: name numbers from "outbox list", or give --all');
        return replayOutbox(await session.operator(), ids, session.write);
      }),
    );
}

function readIds(text: string, before: readonly bigint[]): readonly bigint[] {
  if (!OUTBOX_ID.test(text)) throw new InvalidArgumentError('It is not a number from "outbox list".');
  return [...before, BigInt(text)];
}

/** One line a batch, tab-separated, then how many there are. The exit code. */
async function listOutbox(operator: OperatorClient, limit: number, write: Write): Promise<number> {
  const { entries, pending, dead } = await operator.listOutbox({ limit }, { deadlineMs: DEADLINE_MS });
  await write(`${formatTable(HEADINGS, entries.map(toColumns))}${pending} pending, ${dead} dead\n`);
  return 0;
}

/** The exit code: 1 when one of the ids is no longer in the outbox. */
async function replayOutbox(operator: OperatorClient, ids: readonly bigint[], write: Write): Promise<number> {
  const { replayed } = await operator.replayOutbox({ ids: [...ids] }, { deadlineMs: DEADLINE_MS });
  await write(`${replayed} will be tried again\n`);
  return Number(replayed) < ids.length ? 1 : 0;
}

function toColumns(entry: OutboxEntry): string[] {
  return [
    String(entry.id),
    entry.dead ? 'dead' : 'pending',
    String(entry.attempts),
    String(entry.players),
    entry.leaderboards.join(','),
    formatTime(entry.createdAtUnixMs),
    entry.dead ? '-' : formatTime(entry.nextAttemptAtUnixMs),
    entry.lastError.replaceAll(/\s+/g, ' ') || '-',
  ];
}
