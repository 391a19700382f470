/**
 * Admission: identifies the caller and applies the rate limits. Every request for data counts against its address, and a
 * submission also against its player. The page, the key set, health checks and refusals count against nothing, because
 * they cost less than a check.
 */
import { holdersOf, type NetworkList, subscriberOf } from '../../../services/shared/net/networks.ts';
import { authenticate } from '../../../services/shared/tokens/authenticate.ts';
import type { Identity, TokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import type { Exchange } from '../server/exchange.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface AdmissionOptions {
  verifier: TokenVerifier;
  limiter: Pick<RateLimiter, 'spendHere' | 'spendEverywhere'>;
  /** Networks without a limit per address: a load balancer, this host. */
  addressExempt: NetworkList;
}

export type Admission = ReturnType<typeof createAdmission>;

export function createAdmission({ verifier, limiter, addressExempt }: AdmissionOptions) {
  /** What the address limit counts; undefined for an exempt address. */
  const subscriber = ({ address }: Exchange) =>
    addressExempt.has(address) ? undefined : subscriberOf(address);

  /** Admits a request that needs no token. Returns undefined if there is nothing to wait for. */
  function anonymous(exchange: Exchange): undefined | Promise<void> {
    const address = subscriber(exchange);
    if (address === undefined) return undefined;
    limiter.spendHere('address', address);
    return limiter.spendEverywhere('address', address);
  }

  function countScorer(player: Identity, address: string | undefined): Identity | Promise<Identity> {
    limiter.spendHere('user', player.userId);
    const byUser = limiter.spendEverywhere('user', player.userId);
    const byAddress = address === undefined ? undefined : limiter.spendEverywhere('address', address);
    if (byUser === undefined && byAddress === undefined) return player;
    return Promise.all([byUser, byAddress]).then(() => player);
  }

  return {
    anonymous,
    /** Admits a player who reads. */
    async reader(exchange: Exchange): Promise<Identity> {
      await anonymous(exchange);
      return authenticate(verifier, exchange.authorization);
    },
    /**
     * Admits a player who submits; without a promise if the token is cached and nothing has to be reported to Redis. This
     * node's address limit comes before the token, which costs more to verify; Redis is asked once, for both limits.
     */
    scorer(exchange: Exchange): Identity | Promise<Identity> {
      const address = subscriber(exchange);
      if (address !== undefined) limiter.spendHere('address', address);
      const player = authenticate(verifier, exchange.authorization);
      return player instanceof Promise
        ? player.then((known) => countScorer(known, address))
        : countScorer(player, address);
    },
    /** The holders of the shares that the request takes of this node's queues; none if its address is exempt. */
    holders(exchange: Exchange): readonly string[] {
      const address = subscriber(exchange);
      return address === undefined ? [] : holdersOf(address);
    },
  };
}
