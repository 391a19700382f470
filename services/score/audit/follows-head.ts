/** The condition under which a link may be added to the audit chain: the head that it was made from is still there. */
import { type AuditHead, NO_HEAD } from '../../shared/audit-chain/audit-chain.ts';
import type { Sql } from '../../shared/stores/postgres/postgres.ts';

export function followsHead(sql: Sql, { seq, head }: AuditHead) {
  if (seq === NO_HEAD.seq) return sql`true`;
  return sql`exists (select from audit_links l where l.seq = ${seq} and l.head = ${head})`;
}
