/** Environment of the edge. */

import { type AllowedOrigins, parseOrigins } from '../../services/shared/http/origins.ts';
import {
  parseServiceIdentity,
  type ServiceIdentity,
} from '../../services/shared/identity/service-identity.ts';
import type { ConnectionLimits } from '../../services/shared/net/connections.ts';
import { parseHost } from '../../services/shared/net/host-port.ts';
import { type NetworkList, networks } from '../../services/shared/net/networks.ts';
import type { Rate } from '../../services/shared/rate/gcra.ts';
import {
  type Environment,
  integer,
  optionalSecret,
  optionalText,
  port,
  secretUrl,
  text,
  withPassword,
} from '../../services/shared/settings/env.ts';
import type { Secret } from '../../services/shared/settings/secret.ts';
import { parseTokenPolicy, type TokenPolicy } from '../../services/shared/tokens/token-policy.ts';

export interface EdgeConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  redisUrl: Secret;
  /** host:port */
  scoreAddress: string;
  /** host:port */
  rankAddress: string;
  /** host:port */
  authAddress: string;
  /** What auth, score and rank are shown. */
  identity: ServiceIdentity;
  tokenPolicy: TokenPolicy;
  /** Pages that may call from a browser. */
  allowedOrigins: AllowedOrigins;
  /** Proxies whose X-Forwarded-For is believed. */
  trustedProxies: NetworkList;
  rates: {
    user: Rate;
    address: Rate;
    /** Networks whose requests count against no address: a load balancer, this host. */
    addressExempt: NetworkList;
  };
  connections: ConnectionLimits;
  /** Where the page finds the other public nodes; on its own host at these ports unless an address is given. */
  page: { fanoutUrl: string | undefined; fanoutPort: number; gameUrl: string | undefined; gamePort: number };
}

/** A person earns a few points a second; a burst of retries after an outage must still fit. */
const USER_RATE: Rate = { perSecond: 100, burst: 500 };
/** A household or an office behind one address. */
const ADDRESS_RATE: Rate = { perSecond: 2_000, burst: 4_000 };

/** An office that opens its browsers at once. With ten seconds of the rate, a fifth of all connections. */
const CONNECT_RATE: Rate = { perSecond: 200, burst: 2_000 };
/** Fits the 20,000 descriptors of a common limit, with room for everything else. */
const MAX_CONNECTIONS = 19_000;

export function parseEdgeConfig(env: Environment): EdgeConfig {
  const edgePort = port(env, 'EDGE_PORT', 8080);
  const rate = (name: string, fallback: Rate): Rate => ({
    perSecond: integer(env, `${name}_PER_S`, fallback.perSecond, { min: 1, max: 1_000_000 }),
    burst: integer(env, `${name}_BURST`, fallback.burst, { min: 1, max: 1_000_000 }),
  });
  return {
    host: parseHost(env, 'HOST'),
    port: edgePort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', edgePort === 0 ? 0 : edgePort + 1000),
    redisUrl: withPassword(secretUrl(env, 'REDIS_URL'), optionalSecret(env, 'REDIS_PASSWORD')),
    scoreAddress: text(env, 'SCORE_ADDRESS', '127.0.0.1:50052'),
    rankAddress: text(env, 'RANK_ADDRESS', '127.0.0.1:50053'),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    identity: parseServiceIdentity(env, 'edge'),
    tokenPolicy: parseTokenPolicy(env),
    allowedOrigins: parseOrigins(env, edgePort),
    trustedProxies: networks(env, 'TRUSTED_PROXIES', []),
    rates: {
      user: rate('RATE_USER', USER_RATE),
      address: rate('RATE_ADDRESS', ADDRESS_RATE),
      addressExempt: networks(env, 'RATE_ADDRESS_EXEMPT', ['127.0.0.0/8', '::1']),
    },
    connections: {
      most: integer(env, 'MAX_CONNECTIONS', MAX_CONNECTIONS, { min: 1 }),
      perAddress: rate('RATE_CONNECT', CONNECT_RATE),
    },
    page: {
      fanoutUrl: publicUrl(env, 'FANOUT_PUBLIC_URL', /^wss?:$/),
      fanoutPort: port(env, 'FANOUT_PORT', 8081),
      gameUrl: publicUrl(env, 'GAME_PUBLIC_URL', /^https?:$/),
      gamePort: port(env, 'GAME_PORT', 8082),
    },
  };
}

function publicUrl(env: Environment, name: string, protocol: RegExp): string | undefined {
  const value = optionalText(env, name);
  if (value === undefined) return undefined;
  if (!protocol.test(URL.parse(value)?.protocol ?? '')) {
    throw new Error(`${name} must be an address whose scheme matches ${protocol.source}, not "${value}"`);
  }
  return value;
}
