/** A JSON Web Key Set as an issuer publishes it, read into keys that tokens are verified with. */
import { type CryptoKey, createLocalJWKSet, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';

/** Most keys in one set; an issuer has a handful. */
const MAX_KEYS = 100;
/** Of the algorithms that tokens may have. */
const KEY_TYPES = new Set(['RSA', 'EC', 'OKP']);

export interface Held {
  readonly json: string;
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
  readonly fingerprints: ReadonlyMap<string, string>;
  /** Whether any of the keys can verify a signature. */
  readonly isUsable: boolean;
  heardAtMs: number;
}

/**
 * The key set in a text, or an error. `EdDSA` and `Ed25519` are two names of one algorithm: a key of either name verifies
 * tokens of both, which jose would tell apart.
 */
export function parseKeySet(json: string): JSONWebKeySet {
  const set = JSON.parse(json) as JSONWebKeySet;
  if (!Array.isArray(set?.keys)) throw new Error('the text is not a JSON Web Key Set');
  const keys = set.keys.map((key) => {
    const { alg, ...unnamed } = key ?? {};
    return unnamed.crv === 'Ed25519' ? unnamed : key;
  });
  return { ...set, keys };
}

/** Throws when the text is not a key set. */
export function readKeySet(json: string, heardAtMs: number): Held {
  const set = parseKeySet(json);
  const resolve = createLocalJWKSet(set);
  if (set.keys.length > MAX_KEYS) throw new Error(`a key set of ${set.keys.length} keys`);
  const fingerprints = new Map(set.keys.map((key) => [String(key.kid ?? ''), JSON.stringify(key)]));
  const isUsable = set.keys.some(({ kty, use }) => KEY_TYPES.has(kty ?? '') && use !== 'enc');
  return { json, resolve, fingerprints, isUsable, heardAtMs };
}

/** The ids of keys that were removed or replaced. */
export function keysGone(before: Held, after: Held): Set<string> {
  const gone = new Set<string>();
  for (const [id, fingerprint] of before.fingerprints) {
    if (after.fingerprints.get(id) !== fingerprint) gone.add(id);
  }
  return gone;
}

/** The key, if exactly one matches the header's algorithm and key id. A key that can't be imported counts as missing. */
export async function resolveKey(set: Held, header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
  try {
    return await set.resolve(header);
  } catch {
    return undefined;
  }
}
