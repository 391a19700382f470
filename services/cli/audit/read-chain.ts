/** Reads the audit chain of the running stack: every link, followed by its actions. */
import type { AuditClient } from '../connect/connect-score.ts';
import type { AuditEntry } from './verify-chain.ts';

const CALL = { limitMs: 10_000 };

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
