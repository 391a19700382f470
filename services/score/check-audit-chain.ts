/** Refuses to start on an audit chain that another key has sealed: links of two keys in turn could not be verified. */
import { parseAuditKey } from '../shared/audit-chain.ts';
import { readChainEnd } from '../shared/chain-end-store.ts';
import type { Log } from '../shared/log.ts';
import { assertContinuable } from '../shared/own-chain.ts';
import type { PostgresPool } from '../shared/postgres.ts';
import { POSTGRES_LIMIT_MS, whenItAnswers } from '../shared/start-checks.ts';
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
