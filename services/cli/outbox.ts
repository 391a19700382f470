/** Accepted scores that wait for delivery: what they wait for, and another try for those that were given up. */
import type { OperatorService, OutboxEntry } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import type { GrpcClient } from '../shared/grpc.ts';

export type Operator = GrpcClient<typeof OperatorService>;
type Write = (text: string) => Promise<void>;

const DEADLINE_MS = 10_000;
const HEADINGS = ['id', 'state', 'attempts', 'players', 'boards', 'since', 'next try', 'last error'];

/** One line a batch, tab-separated, then how many there are. The exit code. */
export async function listOutbox(operator: Operator, limit: number, write: Write): Promise<number> {
  const { entries, pending, dead } = await operator.listOutbox({ limit }, { deadlineMs: DEADLINE_MS });
  const lines = [HEADINGS, ...entries.map(toColumns)].map((columns) => columns.join('\t'));
  await write(`${lines.join('\n')}\n${pending} pending, ${dead} dead\n`);
  return 0;
}

/** The exit code: 1 when one of the ids is no longer in the outbox. */
export async function replayOutbox(
  operator: Operator,
  ids: readonly bigint[],
  write: Write,
): Promise<number> {
  const { replayed } = await operator.replayOutbox({ ids: [...ids] }, { deadlineMs: DEADLINE_MS });
  await write(`${replayed} will be tried again\n`);
  return Number(replayed) < ids.length ? 1 : 0;
}

function toColumns(entry: OutboxEntry): string[] {
  const time = (unixMs: bigint) => new Date(Number(unixMs)).toISOString();
  return [
    String(entry.id),
    entry.dead ? 'dead' : 'pending',
    String(entry.attempts),
    String(entry.players),
    entry.leaderboards.join(','),
    time(entry.createdAtUnixMs),
    entry.dead ? '-' : time(entry.nextAttemptAtUnixMs),
    entry.lastError.replaceAll(/\s+/g, ' ') || '-',
  ];
}
