/** The audit chain and what it seals, as Postgres holds it. */
import { readFileSync } from 'node:fs';
import { auditKeyFile } from '../../../../services/provision/secrets.ts';
import { parseAuditKey } from '../../../../services/shared/audit-chain/audit-chain.ts';
import { secretsDir } from '../../../../services/shared/identity/stack-file.ts';
import type { Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import type { AuditDump, SealedAction } from '../../record/record.ts';

export async function dumpAudit(sql: Sql, dataDir: string): Promise<AuditDump> {
  const key = parseAuditKey(readFileSync(auditKeyFile(secretsDir(dataDir)), 'utf8').trim());
  const links = await sql<AuditDump['links'][number][]>`
    select seq::float8, actions::float8, encode(digest, 'hex') as digest, encode(erased, 'hex') as erased,
           encode(head, 'hex') as head from audit_links order by seq`;
  const sealed = await sql<SealedAction[]>`
    select b.seq::float8, a.position::float8, a.leaderboard, a.user_id as "userId", a.action_id as "actionId",
           a.points::float8, a.score_after::float8 as "scoreAfter", a.version::float8, a.key_id as "keyId", a.caller,
           encode(s.salt, 'hex') as salt, encode(s.commitment, 'hex') as commitment,
           (extract(epoch from a.accepted_at) * 1000000)::float8 as "acceptedAtUnixUs"
    from audit_batches b
    cross join actions_of_batch(b.batch) a
    join audit_subjects s on s.user_id = a.user_id
    where b.seq is not null`;
  return { keyHex: key.toString('hex'), links: [...links], sealed: [...sealed] };
}
