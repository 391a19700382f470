/** `outbox`: lists accepted scores that wait for delivery, and retries those that were given up. */
import { type Command, InvalidArgumentError } from 'commander';
import type { OutboxEntry } from '../../../gen/scoreboard/score/v1/operator_pb.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { OperatorClient } from '../connect/connect-score.ts';
import type { Print } from '../terminal/print.ts';
import { formatTable, formatTime } from '../terminal/table.ts';
import { listLimit } from '../terminal/words.ts';

const LIMIT_MS = 10_000;
const HEADINGS = ['id', 'state', 'attempts', 'players', 'boards', 'since', 'next try', 'last error'];

const OUTBOX_ID = /^[1-9]\d{0,17}$/;

export function defineOutbox(program: Command, { session, print, act }: CommandSite): void {
  const outbox = program
    .command('outbox')
    .description('list and retry accepted scores that wait for delivery');
  outbox
    .command('list')
    .description('list the waiting batches, those that were given up first')
    .addOption(listLimit())
    .action(act(async ({ limit }: { limit: number }) => listOutbox(await session.operator(), limit, print)));
  outbox
    .command('replay')
    .description('retry some of them now, or all that were given up')
    .argument('[id...]', 'ids from "outbox list"', readIds)
    .option('--all', 'all that were given up')
    .action(
      act(async (ids: readonly bigint[] = [], { all = false }: { all?: boolean }, command: Command) => {
        if (all === ids.length > 0) command.error('error: give ids from "outbox list", or --all');
        return replayOutbox(await session.operator(), ids, print);
      }),
    );
}

function readIds(text: string, before: readonly bigint[] = []): readonly bigint[] {
  if (!OUTBOX_ID.test(text)) throw new InvalidArgumentError('It must be an id from "outbox list".');
  return [...before, BigInt(text)];
}

/** Prints one line for each batch, then the totals. Returns the exit code. */
async function listOutbox(operator: OperatorClient, limit: number, print: Print): Promise<number> {
  const { entries, pending, dead } = await operator.listOutbox({ limit }, { limitMs: LIMIT_MS });
  const text = `${formatTable(HEADINGS, entries.map(toColumns))}${pending} pending, ${dead} dead\n`;
  await print(text, { batches: entries.map(toFields), pending, dead });
  return 0;
}

/** Returns the exit code: 1 if one of the ids is no longer in the outbox. */
async function replayOutbox(operator: OperatorClient, ids: readonly bigint[], print: Print): Promise<number> {
  const { replayed } = await operator.replayOutbox({ ids: [...ids] }, { limitMs: LIMIT_MS });
  const missing = Math.max(0, ids.length - Number(replayed));
  const text = missing === 0 ? '' : `, ${missing} are no longer in the outbox`;
  await print(`${replayed} will be retried${text}\n`, { replayed, missing });
  return missing === 0 ? 0 : 1;
}

/** Ids are strings: they may exceed the integers that JSON readers keep exactly. */
function toFields({ id, dead, attempts, players, leaderboards, lastError, ...entry }: OutboxEntry) {
  return {
    ...{ id: String(id), state: dead ? 'dead' : 'pending', attempts, players, leaderboards },
    since: formatTime(entry.createdAtUnixMs),
    nextTry: dead ? null : formatTime(entry.nextAttemptAtUnixMs),
    lastError,
  };
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
