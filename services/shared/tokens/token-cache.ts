/**
 * Verified tokens by their text, bounded. Two generations replace an LRU list: a token that is used moves to the young one, and
 * when that is full the old one is dropped as a whole. A hit costs one look-up and no bookkeeping.
 */
import type { Identity } from './rules/token-check.ts';

interface Entry {
  readonly identity: Identity;
  readonly issuer: string;
  readonly keyId: string;
}

export type TokenCache = ReturnType<typeof createTokenCache>;

export interface TokenCacheLimits {
  readonly tokens: number;
  /** Of all tokens together: outside tokens may be twenty times as long as ours. */
  readonly characters: number;
}

export function createTokenCache({ tokens: maxTokens, characters: maxCharacters }: TokenCacheLimits) {
  const maxYoung = Math.floor(maxTokens / 2);
  const maxYoungCharacters = Math.floor(maxCharacters / 2);
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  /** Counts a token that was removed meanwhile as well, so at most too many. */
  let youngCharacters = 0;

  function keep(token: string, entry: Entry): void {
    if (young.size >= maxYoung || youngCharacters + token.length > maxYoungCharacters) {
      old = young;
      young = new Map();
      youngCharacters = 0;
    }
    young.set(token, entry);
    youngCharacters += token.length;
  }

  return {
    /** The identity of a cached token that has not expired. */
    recall(token: string, nowMs: number): Identity | undefined {
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
    remember(token: string, identity: Identity, issuer: string, keyId: string): void {
      old.delete(token);
      keep(token, { identity, issuer, keyId });
    },
    /** Drops every token that these keys of one issuer signed. */
    forget(issuer: string, keyIds: ReadonlySet<string>): void {
      for (const generation of [young, old]) {
        for (const [token, entry] of generation) {
          if (entry.issuer === issuer && keyIds.has(entry.keyId)) generation.delete(token);
        }
      }
    },
    get size(): number {
      return young.size + old.size;
    },
  };
}
