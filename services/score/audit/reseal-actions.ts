/**
 * Gives the actions of links with a truncated digest (truncated-link.ts) to links of their own: the batches wait again, and sealing
 * does the rest. Only if they agree with what the truncated digest says of them, so that a change of the log is not sealed anew.
 */
import { createHash } from 'node:crypto';
import { type AuditLink, encodeAuditAction } from '../../shared/audit-chain/audit-chain.ts';
import { isTruncationOf } from '../../shared/audit-chain/truncated-link.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { AuditStore } from './audit-store.ts';

export interface ResealActionsOptions {
  store: Pick<AuditStore, 'truncated' | 'actions' | 'release'>;
  log: Log;
}

const LINKS_AT_ONCE = 100;
const ACTIONS_PAGE = 1_500;

export function createResealActions({ store, log }: ResealActionsOptions): () => Promise<void> {
  /** Links whose actions do not agree; they stay as they are, for `audit verify` to report. */
  const refused = new Set<bigint>();

  async function agrees({ seq, actions: sealed, digest }: AuditLink): Promise<boolean> {
    const hash = createHash('sha256');
    let [count, after] = [0n, 0n];
    for (;;) {
      const page = await store.actions(seq, after, ACTIONS_PAGE);
      const last = page.at(-1);
      if (last === undefined) return count === sealed && isTruncationOf(digest, hash.digest());
      for (const action of page) hash.update(encodeAuditAction(action));
      count += BigInt(page.length);
      after = last.position;
    }
  }

  return async () => {
    const links = await store.truncated(LINKS_AT_ONCE);
    for (const link of links.filter(({ seq }) => !refused.has(seq))) {
      const seq = String(link.seq);
      if (await agrees(link)) {
        await store.release(link.seq);
        log.warn({ seq }, 'the actions of a link with a truncated digest are sealed again');
      } else {
        refused.add(link.seq);
        log.error({ seq }, 'the actions of a link with a truncated digest do not agree with it');
      }
    }
  };
}
