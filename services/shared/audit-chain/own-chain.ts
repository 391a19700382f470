/**
 * Whether the audit chain may be continued with a key. A key continues its own links, and an empty chain. It continues the links of
 * another key only when the operator has named their head, so that a chain never changes its key by mistake.
 */
import { type Environment, optionalText } from '../settings/env.ts';
import { type AuditHead, formatAuditHead, isMadeWith, parseAuditHead } from './audit-chain.ts';
import type { ChainEnd } from './chain-end-store.ts';

const VARIABLE = 'AUDIT_NEW_KEY_AFTER';

/** The chain was sealed with another key. */
export class ForeignChainError extends Error {
  override readonly name = 'ForeignChainError';
}

/** The head after which the operator allows a new key. */
export function parseNewKeyAfter(env: Environment): AuditHead | undefined {
  const given = optionalText(env, 'AUDIT_NEW_KEY_AFTER');
  if (given === undefined) return undefined;
  const head = parseAuditHead(given);
  if (head === undefined)
    throw new Error(`${VARIABLE} must be a head as "audit head" prints it, not "${given}"`);
  return head;
}

/** Whether the newest link was made with this key, or the chain is empty. */
export function isOwnChain(end: ChainEnd | undefined, key: Buffer): boolean {
  return end === undefined || isMadeWith(key, end.before, end.link);
}

/** Throws a message for the operator unless the chain may be continued. Without a key: unless a new key may be created. */
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
    `${problem}: restore the key that sealed it from a backup; or, if it is lost, set ${VARIABLE}=${head} to continue with a new key: then only the old key could prove the links before it`,
  );
}
