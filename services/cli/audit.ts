/** The audit log at the terminal: its head, whether it is as it was sealed, what was refused, and a player's erasure. */
import { open } from 'node:fs/promises';
import type { AuditService, RejectedAttempts } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import { type AuditHead, formatAuditHead, NO_HEAD } from '../shared/audit-chain.ts';
import type { GrpcClient } from '../shared/grpc.ts';
import { formatAuditLine, parseAuditLines } from './audit-lines.ts';
import { type AuditEntry, ChainDiffers, type VerifyChainOptions, verifyChain } from './verify-chain.ts';

export type AuditClient = GrpcClient<typeof AuditService>;
type Write = (text: string) => Promise<void>;

const CALL = { deadlineMs: 10_000 };
/** As long as the service gives the database for it. */
const ERASE = { deadlineMs: 40_000 };
const HEADINGS = ['since', 'player', 'reason', 'attempts', 'by', 'board', 'first action', 'points'];

/** The exit code: 1 while the chain has no link. */
export async function printAuditHead(audit: AuditClient, write: Write): Promise<number> {
  const head = await audit.getAuditHead({}, CALL);
  if (head.seq === NO_HEAD.seq) throw new Error('nothing is sealed yet');
  await write(`${formatAuditHead(head)}\n`);
  return 0;
}

/** Every link and its actions, as the running stack has them. */
export async function* readChain(audit: AuditClient): AsyncGenerator<AuditEntry> {
  for (let afterSeq = 0n; ; ) {
    const { links } = await audit.listAuditLinks({ afterSeq }, CALL);
    if (links.length === 0) return;
    for (const link of links) {
      afterSeq = link.seq;
      yield { kind: 'link', link };
      for (let afterPosition = 0n; ; ) {
        const { actions } = await audit.listAuditActions({ seq: link.seq, afterPosition }, CALL);
        const last = actions.at(-1);
        if (last === undefined) break;
        afterPosition = last.position;
        for (const action of actions) yield { kind: 'action', action };
      }
    }
  }
}

export async function exportChain(audit: AuditClient, write: Write): Promise<number> {
  for await (const entry of readChain(audit)) await write(formatAuditLine(entry));
  return 0;
}

/** The exit code: 1 when something differs. */
export async function verifyStack(
  audit: AuditClient,
  options: VerifyChainOptions,
  write: Write,
): Promise<number> {
  return report(write, async () => {
    const verified = await verifyChain(readChain(audit), options);
    await refuseStrays(audit);
    return verified;
  });
}

/** The same of an export, without a stack. */
export function verifyFile(path: string, options: VerifyChainOptions, write: Write): Promise<number> {
  return report(write, async () => {
    const file = await open(path);
    return verifyChain(parseAuditLines(file.readLines()), options).finally(() => file.close());
  });
}

async function report(write: Write, verify: () => ReturnType<typeof verifyChain>): Promise<number> {
  try {
    const { head, actions, erased } = await verify();
    await write(
      `OK: ${head.seq} links seal ${actions} actions, ${erased} players erased; the head is ${formatAuditHead(head)}\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ChainDiffers)) throw error;
    await write(`DIFFERS: ${error.message}\n`);
    return 1;
  }
}

/** What stands in the log but in no link was put there past the accept path. */
async function refuseStrays(audit: AuditClient): Promise<void> {
  let afterPosition = 0n;
  do {
    const { strays, nextPosition } = await audit.findStrayActions({ afterPosition }, CALL);
    if (strays[0] !== undefined) throw new ChainDiffers(`no link seals the action at ${strays[0]}`);
    afterPosition = nextPosition;
  } while (afterPosition !== 0n);
}

/** One line a player and reason, tab-separated. */
export async function listRejected(
  audit: AuditClient,
  { userId, limit }: { userId: string; limit: number },
  write: Write,
): Promise<number> {
  const { rejected } = await audit.listRejected({ userId, limit }, CALL);
  const lines = [HEADINGS, ...rejected.map(toColumns)].map((columns) => columns.join('\t'));
  await write(`${lines.join('\n')}\n`);
  return 0;
}

function toColumns(row: RejectedAttempts): string[] {
  return [
    ...[new Date(Number(row.firstAtUnixMs)).toISOString(), row.userId, row.reason, String(row.attempts)],
    ...[row.caller, row.leaderboard, row.actionId, String(row.points)],
  ];
}

/** The head of the link that records the erasure. */
export async function erasePlayer(audit: AuditClient, userId: string, write: Write): Promise<number> {
  const { seq, head, leaderboards } = await audit.erasePlayer({ userId }, ERASE);
  const recorded: AuditHead = { seq, head };
  await write(`erased from ${leaderboards.length} boards, recorded as ${formatAuditHead(recorded)}\n`);
  return 0;
}
