/** Refuses to start on an audit chain that another key has sealed: a chain of links of two keys could not be verified. */
import { type AuditHead, parseAuditKey } from '../../shared/audit-chain/audit-chain.ts';
import { readChainEnd } from '../../shared/audit-chain/chain-end-store.ts';
import { assertContinuable } from '../../shared/audit-chain/own-chain.ts';
import type { Secret } from '../../shared/settings/secret.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import { POSTGRES_LIMIT_MS, whenItAnswers } from '../../shared/stores/postgres/start-checks.ts';
import type { Log } from '../../shared/telemetry/log.ts';

export interface AuditChainSettings {
  readonly auditKey: Secret;
  /** The setting or file that the key was read from. */
  readonly auditKeySource: string;
  /** The head after which a new key may continue the chain. */
  readonly newAuditKeyAfter: AuditHead | undefined;
}

export async function checkAuditChain(
  pool: PostgresPool,
  { auditKey, auditKeySource, newAuditKeyAfter }: AuditChainSettings,
  log: Log,
): Promise<void> {
  const end = await whenItAnswers(() => pool.run(readChainEnd, POSTGRES_LIMIT_MS), log);
  const key = parseAuditKey(auditKey);
  assertContinuable(end, { key, source: auditKeySource, newKeyAfter: newAuditKeyAfter });
}
