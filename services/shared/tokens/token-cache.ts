/**
 * Verified tokens by their text, bounded. Two generations stand in for an LRU list: a token that is used moves to the
 * young one, and when that is full the old one is dropped whole. A hit costs one look-up and no bookkeeping.
 */
import type { Identity } from './token-check.ts';

interface Entry {
  readonly identity: Identity;
  readonly issuer: string;
  readonly keyId: string;
}

export interface TokenCache {
  /** The identity that was remembered for a token, unless its time is over. */
  recall(token: string, nowMs: number): Identity | undefined;
  remember(token: string, identity: Identity, issuer: string, keyId: string): void;
  /** Forgets every token that these keys of one issuer signed. */
  forget(issuer: string, keyIds: ReadonlySet<string>): void;
  readonly size: number;
}

export function createTokenCache(maxTokens: number): TokenCache {
  const maxYoung = Math.floor(maxTokens / 2);
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();

  function keep(token: string, entry: Entry): void {
    if (young.size >= maxYoung) {
      old = young;
      young = new Map();
    }
    young.set(token, entry);
  }

  return {
    recall(token, nowMs) {
      let entry = young.get(token);
      if (entry === undefined) {
        entry = old.get(token);
        if (entry === undefined) return undefined;
        old.delete(token);
        keep(token, entry);
      }
      if (entry.identity.expiresAtMs > nowMs) return entry.identity;
      young.delete(token);
      return undefined;
    },
    remember(token, identity, issuer, keyId) {
      old.delete(token);
      keep(token, { identity, issuer, keyId });
    },
    forget(issuer, keyIds) {
      for (const generation of [young, old]) {
        for (const [token, entry] of generation) {
          if (entry.issuer === issuer && keyIds.has(entry.keyId)) generation.delete(token);
        }
      }
    },
    get size() {
      return young.size + old.size;
    },
  };
}
