/**
 * The head that this service continues the audit chain from: that of a link made with its own key. After links of another key
 * it first records the change of keys, in a link that seals all links before it, and only if the operator has named their head.
 */
import { createHash } from 'node:crypto';
import {
  type AuditHead,
  encodeAuditLink,
  formatAuditHead,
  NO_HEAD,
} from '../../shared/audit-chain/audit-chain.ts';
import { assertContinuable, isOwnChain } from '../../shared/audit-chain/own-chain.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { AuditStore } from './audit-store.ts';
import { nextLink } from './seal-actions.ts';

const LINKS_PAGE = 5_000;

export interface OwnChainHeadOptions {
  store: Pick<AuditStore, 'end' | 'links' | 'append'>;
  key: Buffer;
  /** The setting or file that the key was read from. */
  source: string;
  newKeyAfter: AuditHead | undefined;
  log: Log;
}

/** The returned function rejects with ForeignChainError when another key made the newest link. */
export function createOwnChainHead(options: OwnChainHeadOptions): () => Promise<AuditHead> {
  const { store, key, log } = options;

  async function recordChange(before: AuditHead): Promise<void> {
    const hash = createHash('sha256');
    for (let after = NO_HEAD.seq; after < before.seq; ) {
      const links = await store.links(after, LINKS_PAGE);
      const last = links.at(-1);
      if (last === undefined) throw new Error(`link ${after + 1n} of the audit chain is missing`);
      for (const link of links) if (link.seq <= before.seq) hash.update(encodeAuditLink(link));
      after = last.seq;
    }
    const contents = { actions: 0n, digest: hash.digest(), erased: new Uint8Array() };
    const link = nextLink(key, before, contents);
    // Else another process has recorded the change.
    if (await store.append(link, before, [])) {
      log.warn({ head: formatAuditHead(link) }, 'the audit chain continues with a new key from this link on');
    }
  }

  return async () => {
    for (;;) {
      const end = await store.end();
      if (isOwnChain(end, key)) return end?.link ?? NO_HEAD;
      assertContinuable(end, options);
      if (end !== undefined) await recordChange(end.link);
    }
  };
}
