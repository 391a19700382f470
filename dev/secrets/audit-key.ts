/**
 * The audit key of `npm start`. It is made for an empty chain, or if the operator has named the head of the chain. A lost key is
 * never replaced silently, since no other key can prove what it sealed.
 */

import { makeAuditKey, readAuditKey } from '../../services/provision/secrets.ts';
import type { AuditHead } from '../../services/shared/audit-chain/audit-chain.ts';
import { type ChainEnd, readChainEnd } from '../../services/shared/audit-chain/chain-end-store.ts';
import { assertContinuable } from '../../services/shared/audit-chain/own-chain.ts';
import { Deadline } from '../../services/shared/flow/deadline.ts';
import { openPostgres } from '../../services/shared/stores/postgres/postgres.ts';

const LIMIT_MS = 5_000;

export interface AuditKeyOptions {
  readonly databaseUrl: string;
  readonly schema: string;
  readonly newKeyAfter: AuditHead | undefined;
}

/** Makes the key file if allowed. Rejects, with a message for the operator, if the chain was sealed with another key. */
export async function ensureAuditKey(
  path: string,
  { databaseUrl, schema, newKeyAfter }: AuditKeyOptions,
): Promise<void> {
  const key = readAuditKey(path);
  assertContinuable(await chainEndOf(databaseUrl, schema), { key, source: path, newKeyAfter });
  if (key === undefined) makeAuditKey(path);
}

async function chainEndOf(url: string, schema: string): Promise<ChainEnd | undefined> {
  const sql = await openPostgres(
    { url, connections: 1, applicationName: 'scoreboard-local', schema, statementTimeoutMs: LIMIT_MS },
    LIMIT_MS,
  );
  try {
    // A server that is silent, as one behind a proxy can be, ends no statement by itself.
    return await Deadline.after(LIMIT_MS).race(readChainEnd(sql), () => {
      throw new Error(`Postgres did not answer within ${LIMIT_MS} ms`);
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}
