/**
 * Turns bearer tokens into identities, for every process that meets players. A token that was verified before is
 * answered at once from a bounded cache, until it expires, is revoked or its key is withdrawn; nothing is remembered about
 * tokens that were refused. Works on the keys and revocations it holds when the auth service is down.
 */
import type { JWSHeaderParameters } from 'jose';
import type { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { GrpcClient } from '../grpc/grpc.ts';
import type { Clock } from '../settings/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { createKeySet, type KeySet } from './key-set.ts';
import { createRevocations } from './revocations.ts';
import { createTokenCache } from './token-cache.ts';
import { checkToken, type Identity, MAX_TOKEN_LENGTH, parseToken, tokenInvalid } from './token-check.ts';
import { outsideTokenRules, ownTokenRules, type TokenPolicy, type TokenRules } from './token-policy.ts';

export type { Identity } from './token-check.ts';

/** Bounds how long a withdrawn key or a revoked token is still believed: one call a process, a few bytes when nothing changed. */
export const OWN_KEYS_REFRESH_MS = 500;
/** Other people's servers are asked less often. */
const OUTSIDE_KEYS_REFRESH_MS = 60_000;
/** Limit of one fetch of keys. */
const FETCH_DEADLINE_MS = 2_000;
/** Largest key set that is read from an outside provider, in characters. */
const MAX_JWKS_LENGTH = 256 * 1024;
/** Verified tokens that are remembered: some 25 to 50 MB at the size of ours. */
const MAX_CACHED_TOKENS = 50_000;

export interface TokenVerifier {
  /** Identity, at once when this token was verified before; TOKEN_INVALID, or AUTH_UNAVAILABLE when no keys could ever be had. */
  verify(token: string): Identity | Promise<Identity>;
  /** False once the token of a verified identity is revoked or its key is gone; for those who hold on to one. */
  stands(identity: Identity): boolean;
}

export interface TokenVerifierOptions {
  policy: TokenPolicy;
  auth: Pick<GrpcClient<typeof AuthService>, 'getKeySet'>;
  clock: Clock;
  log: Log;
}

export type WithdrawnListener = (isVoid: (identity: Identity) => boolean) => void;

export interface OwnedTokenVerifier extends TokenVerifier {
  /** True once any key set is held. */
  ready(): boolean;
  /** Calls whenever keys went or the list of revocations changed, with what is void since. */
  onWithdrawn(listener: WithdrawnListener): void;
  /** Stops the refresh of keys. */
  close(): void;
  /** Our own public keys, for publishing at the edge. */
  jwksJson(): string | undefined;
}

interface Issuer {
  readonly rules: TokenRules;
  readonly keys: KeySet;
}

export function createTokenVerifier(options: TokenVerifierOptions): OwnedTokenVerifier {
  const { policy, auth, clock, log } = options;
  const cache = createTokenCache(MAX_CACHED_TOKENS);
  const revocations = createRevocations();
  const listeners: WithdrawnListener[] = [];
  const tell: WithdrawnListener = (isVoid) => {
    for (const listener of listeners) listener(isVoid);
  };
  const keySet = (name: string, refreshMs: number, issuer: string, fetchJwks: () => Promise<string>) =>
    createKeySet({
      name,
      fetch: fetchJwks,
      refreshMs,
      clock,
      log,
      onKeysGone(keyIds) {
        cache.forget(issuer, keyIds);
        tell((identity) => identity.issuer === issuer && keyIds.has(identity.keyId));
      },
    });

  let version = '';
  let jwksJson = '';
  async function fetchOwnKeys(): Promise<string> {
    const answer = await auth.getKeySet({ knownVersion: version }, { deadlineMs: FETCH_DEADLINE_MS });
    if (answer.unchanged) return jwksJson;
    ({ version, jwksJson } = answer);
    revocations.replace(answer.revocations);
    tell(revocations.has);
    return jwksJson;
  }

  const own: Issuer = {
    rules: ownTokenRules(policy),
    keys: keySet('own', OWN_KEYS_REFRESH_MS, policy.issuer, fetchOwnKeys),
  };
  const issuers = [own];
  const { idp } = policy;
  if (idp !== undefined) {
    issuers.push({
      rules: outsideTokenRules(idp),
      keys: keySet('idp', OUTSIDE_KEYS_REFRESH_MS, idp.issuer, () => fetchOutsideKeys(idp.jwksUrl)),
    });
  }

  async function verifyAnew(token: string): Promise<Identity> {
    const parsed = parseToken(token);
    const issuer = issuers.find(({ rules }) => rules.issuer === parsed.claimedIssuer);
    if (issuer === undefined) throw tokenInvalid();
    const { rules, keys } = issuer;
    let generation = keys.generation;
    const findKey = async (header: JWSHeaderParameters) => {
      const key = await keys.find(header);
      generation = keys.generation;
      return key;
    };
    const identity = await checkToken(parsed, rules, findKey, clock.now());
    if (revocations.has(identity)) throw tokenInvalid();
    // Remembered only when the key that signed it can be told, and was not withdrawn while the signature was checked.
    const { kid } = parsed.header;
    if (typeof kid === 'string' && generation === keys.generation) {
      cache.remember(token, identity, rules.issuer, kid);
    }
    return identity;
  }

  return {
    verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) return Promise.reject(tokenInvalid());
      const known = cache.recall(token, clock.now());
      if (known === undefined) return verifyAnew(token);
      return revocations.has(known) ? Promise.reject(tokenInvalid()) : known;
    },
    stands(identity) {
      const issuer = issuers.find(({ rules }) => rules.issuer === identity.issuer);
      return issuer?.keys.knows(identity.keyId) === true && !revocations.has(identity);
    },
    onWithdrawn: (listener) => void listeners.push(listener),
    ready: () => issuers.some(({ keys }) => keys.held()),
    close() {
      for (const { keys } of issuers) keys.close();
    },
    jwksJson: () => own.keys.json(),
  };
}

/** The provider's key set, from the address in the configuration and nowhere else. */
async function fetchOutsideKeys(url: string): Promise<string> {
  const response = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(FETCH_DEADLINE_MS),
  });
  if (!response.ok || response.body === null) throw new Error(`the key set answered ${response.status}`);
  let json = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    json += text;
    if (json.length > MAX_JWKS_LENGTH) throw new Error('the key set is too large');
  }
  return json;
}
