/** `audit export`: prints the chain and its actions, so that they can be verified elsewhere. */
import type { Command } from 'commander';
import type { CommandSite } from '../connect/command-site.ts';
import { expectOutput } from '../terminal/words.ts';
import { formatAuditLine } from './export-lines.ts';
import { readChain } from './read-chain.ts';

export function defineAuditExport(audit: Command, { session, act }: CommandSite): void {
  audit
    .command('export')
    .description('print the chain and its actions, one JSON object a line, also without --json')
    .action(
      act(async () => {
        expectOutput(session);
        for await (const entry of readChain(await session.audit()))
          await session.write(formatAuditLine(entry));
      }),
    );
}
