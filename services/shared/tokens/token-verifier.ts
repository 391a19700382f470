/**
 * Turns bearer tokens into identities, for every process that serves players. A token that was verified before is answered at once
 * from a bounded cache, until it expires, is revoked or its key is withdrawn. Refused tokens are not cached. While the auth
 * service is down, the verifier works with the keys and revocations that it has.
 */
import type { JWSHeaderParameters } from 'jose';
import type { AuthService, Revocation } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { GrpcClient } from '../grpc/grpc.ts';
import type { Clock } from '../settings/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createOutsideIssuers, type Issuer, type KeySource } from './issuers.ts';
import { createKeySet } from './keys/key-set.ts';
import { aliasOf } from './players/player-id.ts';
import { createRevocations } from './revocations.ts';
import { checkToken, type Identity, MAX_TOKEN_LENGTH, parseToken, refuseToken } from './rules/token-check.ts';
import { ownTokenRules, type TokenPolicy } from './rules/token-policy.ts';
import { TokenRefusal } from './rules/token-refusal.ts';
import { createTokenCache } from './token-cache.ts';

export type { Identity } from './rules/token-check.ts';

/** An auth service of an earlier version is asked this often, one of this version no more often. */
export const OWN_KEYS_REFRESH_MS = 500;
/** The auth service holds its answer for so long while nothing changes, and answers a change at once. */
export const OWN_KEYS_WAIT_MS = 10_000;
/** At the start of a stack the auth service starts at the same time, so a short outage is not logged. */
const OWN_KEYS_WARN_AFTER_MS = 5_000;
/** Limit of one fetch of keys. */
const FETCH_DEADLINE_MS = 2_000;
/** Verified tokens in the cache: some 25 to 50 MB at the size of ours, and fewer of those that are longer. */
const CACHE_LIMITS = { tokens: 50_000, characters: 32 * 1024 * 1024 };

export interface TokenVerifierOptions {
  policy: TokenPolicy;
  auth: Pick<GrpcClient<typeof AuthService>, 'getKeySet' | 'getSubjectKeys'>;
  clock: Clock;
  log: Log;
  metrics?: Metrics;
  /** Called with an outside player whose user id is derived and whose token has a name. */
  onNamed?: (player: Identity) => void;
  /** Called for each token that is refused. */
  onRefused?: (refusal: TokenRefusal) => void;
}

export type WithdrawnListener = (isVoid: (identity: Identity) => boolean) => void;

export type OwnedTokenVerifier = ReturnType<typeof createTokenVerifier>;
export type TokenVerifier = Pick<OwnedTokenVerifier, 'verify' | 'stands'>;

export function createTokenVerifier(options: TokenVerifierOptions) {
  const { policy, auth, clock, log, metrics, onNamed, onRefused } = options;
  const cache = createTokenCache(CACHE_LIMITS);
  const revocations = createRevocations();
  const listeners: WithdrawnListener[] = [];
  const tell: WithdrawnListener = (isVoid) => {
    for (const listener of listeners) listener(isVoid);
  };
  const countFailed = createFailedCount(metrics);
  const keySet = (issuer: string, source: KeySource) =>
    createKeySet({
      ...source,
      clock,
      log,
      onFailed: () => countFailed(issuer),
      onKeysGone(keyIds) {
        cache.forget(issuer, keyIds);
        tell((identity) => identity.issuer === issuer && keyIds.has(identity.keyId));
      },
    });

  const fetchOwnKeys = createOwnKeysFetch(auth, (list) => {
    revocations.replace(list);
    tell(revocations.has);
  });
  const own: Issuer = {
    rules: ownTokenRules(policy),
    keys: keySet(policy.issuer, {
      name: 'own',
      fetch: fetchOwnKeys,
      ...{ refreshMs: OWN_KEYS_REFRESH_MS, waitMs: OWN_KEYS_WAIT_MS },
      warnAfterMs: OWN_KEYS_WARN_AFTER_MS,
    }),
  };
  const outside = createOutsideIssuers(policy.outside, { auth, log, keySet });
  const issuers = [own, ...outside.issuers];

  async function verifyAnew(token: string): Promise<Identity> {
    const parsed = parseToken(token);
    const issuer = issuers.find(({ rules }) => rules.issuer === parsed.claimedIssuer);
    if (issuer === undefined) throw refuseToken('issuer', parsed, 'no such issuer is configured');
    const { rules, keys, derive } = issuer;
    let generation = keys.generation;
    const findKey = async (header: JWSHeaderParameters) => {
      const key = await keys.find(header);
      generation = keys.generation;
      return key;
    };
    const identity = await checkToken(parsed, rules, findKey, clock.now(), derive);
    if (revocations.has(identity)) throw refuseToken('revoked', parsed);
    if (derive !== undefined && identity.username !== aliasOf(identity.userId)) onNamed?.(identity);
    // Cached only if the token names its key, and the key was not withdrawn while the signature was checked.
    const { kid } = parsed.header;
    if (typeof kid === 'string' && generation === keys.generation) {
      cache.remember(token, identity, rules.issuer, kid);
    }
    return identity;
  }

  /** Reports the refusal, if it is one. */
  async function reported(verifying: Promise<Identity>): Promise<Identity> {
    try {
      return await verifying;
    } catch (error) {
      if (error instanceof TokenRefusal) onRefused?.(error);
      throw error;
    }
  }

  function recall(token: string): Identity | Promise<Identity> | undefined {
    const known = cache.recall(token, clock.now());
    if (known === undefined || !revocations.has(known)) return known;
    return Promise.reject(new TokenRefusal('revoked', { issuer: known.issuer, keyId: known.keyId }));
  }

  return {
    /**
     * Returns the identity without a promise if the token is cached. Refuses with TOKEN_INVALID or TOKEN_TOO_LARGE, or
     * with AUTH_UNAVAILABLE without keys.
     */
    verify(token: string): Identity | Promise<Identity> {
      // The cache would hash a long text first.
      const known = token.length > MAX_TOKEN_LENGTH ? undefined : recall(token);
      if (known === undefined || known instanceof Promise) return reported(known ?? verifyAnew(token));
      return known;
    },
    /** False once the token of a verified identity is revoked or its key is withdrawn. */
    stands(identity: Identity): boolean {
      const issuer = issuers.find(({ rules }) => rules.issuer === identity.issuer);
      return issuer?.keys.knows(identity.keyId) === true && !revocations.has(identity);
    },
    /** The listener is called whenever keys were removed or the revocations changed, with a test for the tokens that became void. */
    onWithdrawn: (listener: WithdrawnListener): void => void listeners.push(listener),
    /** True once the tokens of any issuer can be verified. */
    ready: (): boolean => own.keys.held() || outside.ready(),
    /** Stops the refresh of keys. */
    close(): void {
      for (const { keys } of issuers) keys.close();
      outside.close();
    },
    /** Our own public keys, for publication at the edge. */
    jwksJson: (): string | undefined => own.keys.json(),
  };
}

function createFailedCount(metrics: Metrics | undefined) {
  const failed = metrics?.counter(
    'token_keys_failed_total',
    'Fetches of keys of an issuer that brought none.',
    ['issuer'],
  );
  return (issuer: string): void => void failed?.inc({ issuer });
}

/** Fetches our own keys, and the revocations with them, as far as they changed. */
function createOwnKeysFetch(
  auth: Pick<TokenVerifierOptions['auth'], 'getKeySet'>,
  onRevocations: (list: readonly Revocation[]) => void,
): (waitMs: number) => Promise<string> {
  let version = '';
  let jwksJson = '';
  return async (waitMs) => {
    const limitMs = FETCH_DEADLINE_MS + waitMs;
    const answer = await auth.getKeySet({ knownVersion: version, waitMs }, { limitMs });
    if (answer.unchanged) return jwksJson;
    ({ version, jwksJson } = answer);
    onRevocations(answer.revocations);
    return jwksJson;
  };
}
