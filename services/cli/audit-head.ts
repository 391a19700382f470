/** `audit head`: where the chain ends now. */
import type { Command } from 'commander';
import { formatAuditHead, NO_HEAD } from '../shared/audit-chain/audit-chain.ts';
import type { CommandSite } from './command-site.ts';
import { expectOutput } from './words.ts';

const CALL = { deadlineMs: 10_000 };

export function defineAuditHead(audit: Command, { session, act }: CommandSite): void {
  audit
    .command('head')
    .description('where the chain ends now: write it down elsewhere; exit code 1 while nothing is sealed')
    .action(
      act(async () => {
        expectOutput(session);
        const head = await (await session.audit()).getAuditHead({}, CALL);
        if (head.seq === NO_HEAD.seq) throw new Error('nothing is sealed yet');
        await session.write(`${formatAuditHead(head)}\n`);
      }),
    );
}
