/** The end of the audit chain in Postgres: its newest link and the head before that link. */
import type { Sql } from '../stores/postgres/postgres.ts';
import { type AuditHead, type AuditLink, NO_HEAD } from './audit-chain.ts';

export interface ChainEnd {
  readonly link: AuditLink;
  readonly before: AuditHead;
}

/** Undefined while the chain is empty. */
export async function readChainEnd(sql: Sql): Promise<ChainEnd | undefined> {
  const [link, before = NO_HEAD] = await sql<AuditLink[]>`
    select seq, actions, digest, erased, head from audit_links order by seq desc limit 2`;
  return link && { link, before };
}
