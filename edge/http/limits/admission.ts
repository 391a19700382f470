/**
 * Who calls and whether they may. Every request for data counts against its address, and a submission also against its
 * player. The page, the key set, health and refusals cost less than a check and count against nobody.
 */
import { holdersOf, type NetworkList, subscriberOf } from '../../../services/shared/net/networks.ts';
import type { Identity, TokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import type { Exchange } from '../server/exchange.ts';
import { authenticate } from './authenticate.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface Admission {
  /** A request that needs no token; nothing to wait for when its address is exempt. */
  anybody(exchange: Exchange): undefined | Promise<void>;
  /** The player who asks. */
  reader(exchange: Exchange): Promise<Identity>;
  /** The player who submits; at once for most requests of somebody who was here before. */
  scorer(exchange: Exchange): Identity | Promise<Identity>;
  /** In whose name the request takes places of this node; nobody's when its address is exempt. */
  holders(exchange: Exchange): readonly string[];
}

export interface AdmissionOptions {
  verifier: TokenVerifier;
  limiter: RateLimiter;
  /** Networks whose requests count against no address: a load balancer, this host. */
  addressExempt: NetworkList;
}

export function createAdmission({ verifier, limiter, addressExempt }: AdmissionOptions): Admission {
  const counted = (exchange: Exchange) =>
    addressExempt.has(exchange.address) ? undefined : subscriberOf(exchange.address);

  function anybody(exchange: Exchange): undefined | Promise<void> {
    const address = counted(exchange);
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
    anybody,
    holders(exchange) {
      const address = counted(exchange);
      return address === undefined ? [] : holdersOf(address);
    },
    async reader(exchange) {
      await anybody(exchange);
      return authenticate(verifier, exchange.authorization);
    },
    // This node's own limit stands before the costly look at a token; the limit of all nodes is asked once, for both.
    scorer(exchange) {
      const address = counted(exchange);
      if (address !== undefined) limiter.spendHere('address', address);
      const player = authenticate(verifier, exchange.authorization);
      return player instanceof Promise
        ? player.then((known) => countScorer(known, address))
        : countScorer(player, address);
    },
  };
}
