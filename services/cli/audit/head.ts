/** `audit head`: prints the current head of the chain. */
import type { Command } from 'commander';
import { formatAuditHead, NO_HEAD } from '../../shared/audit-chain/audit-chain.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { expectOutput } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };

export function defineAuditHead(audit: Command, { session, print, act }: CommandSite): void {
  audit
    .command('head')
    .description(
      'print the current head of the chain, to be kept elsewhere; exit code 1 if nothing is sealed yet',
    )
    .action(
      act(async () => {
        expectOutput(session);
        const head = await (await session.audit()).getAuditHead({}, CALL);
        if (head.seq === NO_HEAD.seq) throw new Error('nothing is sealed yet');
        const text = formatAuditHead(head);
        await print(`${text}\n`, { head: text, unsealedBatches: head.unsealedBatches });
      }),
    );
}
