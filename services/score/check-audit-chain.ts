/** Refuses to start on an audit chain that another key has sealed: links of two keys in turn could not be verified. */
import { parseAuditKey } from '../shared/audit-chain/audit-chain.ts';
import { readChainEnd } from '../shared/audit-chain/chain-end-store.ts';
import { assertContinuable } from '../shared/audit-chain/own-chain.ts';
import type { PostgresPool } from '../shared/stores/postgres.ts';
import { POSTGRES_LIMIT_MS, whenItAnswers } from '../shared/stores/start-checks.ts';
import type { Log } from '../shared/telemetry/log.ts';
import type { ScoreConfig } from './config.ts';

export async function checkAuditChain(
  pool: PostgresPool,
  config: Pick<ScoreConfig, 'auditKey' | 'auditKeySource' | 'newAuditKeyAfter'>,
  log: Log,
): Promise<void> {
  const end = await whenItAnswers(() => pool.run(readChainEnd, POSTGRES_LIMIT_MS), log);
  const key = parseAuditKey(config.auditKey);
  assertContinuable(end, { key, source: config.auditKeySource, newKeyAfter: config.newAuditKeyAfter });
}
