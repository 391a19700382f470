/**
 * The audit key of `npm start`. It is made for an empty chain, and for one whose head the operator has named; never silently in
 * place of one that is lost, since no other key can prove what that one sealed.
 */

import { makeAuditKey, readAuditKey } from '../services/provision/secrets.ts';
import type { AuditHead } from '../services/shared/audit-chain/audit-chain.ts';
import { type ChainEnd, readChainEnd } from '../services/shared/audit-chain/chain-end-store.ts';
import { assertContinuable } from '../services/shared/audit-chain/own-chain.ts';
import { connectPostgres } from '../services/shared/stores/postgres.ts';

const LIMIT_MS = 5_000;

export interface AuditKeyOptions {
  readonly databaseUrl: string;
  readonly newKeyAfter: AuditHead | undefined;
}

/** The key in the file, made when it may be. Rejects with the line for the operator when the chain is of another key. */
export async function ensureAuditKey(
  path: string,
  { databaseUrl, newKeyAfter }: AuditKeyOptions,
): Promise<void> {
  const key = readAuditKey(path);
  assertContinuable(await chainEndOf(databaseUrl), { key, source: path, newKeyAfter });
  if (key === undefined) makeAuditKey(path);
}

async function chainEndOf(url: string): Promise<ChainEnd | undefined> {
  const sql = connectPostgres({
    ...{ url, connections: 1, applicationName: 'scoreboard-local', statementTimeoutMs: LIMIT_MS },
  });
  try {
    return await readChainEnd(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
