/**
 * Whether the audit chain may be continued with a key. A key continues the links that it made, and an empty chain. After links of
 * another key it goes on only when the operator has named their head: a chain of two keys is never begun by mistake.
 */

import { type Environment, optionalText } from '../settings/env.ts';
import { type AuditHead, formatAuditHead, isMadeWith, parseAuditHead } from './audit-chain.ts';
import type { ChainEnd } from './chain-end-store.ts';

const VARIABLE = 'AUDIT_NEW_KEY_AFTER';

/** The chain was sealed with a key that is not here. */
export class ForeignChainError extends Error {
  override readonly name = 'ForeignChainError';
}

/** The head after which the operator wants a new key to go on. */
export function parseNewKeyAfter(env: Environment): AuditHead | undefined {
  const given = optionalText(env, 'AUDIT_NEW_KEY_AFTER');
  if (given === undefined) return undefined;
  const head = parseAuditHead(given);
  if (head === undefined)
    throw new Error(`${VARIABLE} must be a head as "audit head" prints it, not "${given}"`);
  return head;
}

/** Whether the newest link is of this key, or there is none. */
export function isOwnChain(end: ChainEnd | undefined, key: Buffer): boolean {
  return end === undefined || isMadeWith(key, end.before, end.link);
}

/** Throws the line for the operator unless the chain may be continued. Without a key, it may be if a new key may be made. */
export function assertContinuable(
  end: ChainEnd | undefined,
  {
    key,
    source,
    newKeyAfter,
  }: { key: Buffer | undefined; source: string; newKeyAfter: AuditHead | undefined },
): void {
  if (end === undefined || (key !== undefined && isOwnChain(end, key))) return;
  const head = formatAuditHead(end.link);
  if (newKeyAfter !== undefined && formatAuditHead(newKeyAfter) === head) return;
  const problem =
    key === undefined
      ? `the audit key ${source} is missing, and the database holds an audit chain of ${end.link.seq} links`
      : `the audit key in ${source} did not make the newest link (${end.link.seq}) of the audit chain, or that link was changed`;
  throw new ForeignChainError(
    `${problem}: put the key that sealed it back from a backup; or, if it is lost, set ${VARIABLE}=${head} to go on with a new key, after which only the old key could prove the links until then`,
  );
}
