/** `audit export`: the chain and its actions, to be verified elsewhere. */
import type { Command } from 'commander';
import { formatAuditLine } from './audit-lines.ts';
import type { CommandSite } from './command-site.ts';
import { readChain } from './read-chain.ts';
import { expectOutput } from './words.ts';

export function defineAuditExport(audit: Command, { session, act }: CommandSite): void {
  audit
    .command('export')
    .description('the chain and its actions, one JSON object a line')
    .action(
      act(async () => {
        expectOutput(session);
        for await (const entry of readChain(await session.audit()))
          await session.write(formatAuditLine(entry));
      }),
    );
}
