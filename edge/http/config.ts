/** Settings of the edge. */
import { parseAllowedHeaders } from '../../services/shared/http/allowed-headers.ts';
import { type AllowedOrigins, parseOrigins } from '../../services/shared/http/origins.ts';
import {
  parseServiceIdentity,
  type ServiceIdentity,
} from '../../services/shared/identity/service-identity.ts';
import { parseTrustedProxies, type TrustedProxies } from '../../services/shared/net/client-address.ts';
import type { ConnectionLimits } from '../../services/shared/net/connections.ts';
import { parseHost } from '../../services/shared/net/host-port.ts';
import { type NetworkList, networks } from '../../services/shared/net/networks.ts';
import { serviceAddresses } from '../../services/shared/net/service-addresses.ts';
import type { Rate } from '../../services/shared/rate/gcra.ts';
import { type Environment, integer, port } from '../../services/shared/settings/env.ts';
import type { Secret } from '../../services/shared/settings/secret.ts';
import { parseNamespace } from '../../services/shared/stores/names.ts';
import { parseRedisUrl } from '../../services/shared/stores/redis/redis-address.ts';
import { parseTlsFiles, type TlsFiles } from '../../services/shared/stores/tls-files.ts';
import { parseTokenPolicy, type TokenPolicy } from '../../services/shared/tokens/rules/token-policy.ts';
import { type PublicNodes, parsePublicUrl } from './page/public-nodes.ts';

export interface EdgeConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  /** NAMESPACE: what the names in NATS and Redis begin with. */
  namespace: string;
  redisUrl: Secret;
  redisTls?: TlsFiles | undefined;
  /** host:port */
  scoreAddress: string;
  /** host:port */
  rankAddress: string;
  /** host:port */
  authAddress: string;
  /** How the edge identifies itself to auth, score and rank. */
  identity: ServiceIdentity;
  tokenPolicy: TokenPolicy;
  /** Origins of the pages that may call from a browser. */
  allowedOrigins: AllowedOrigins;
  /** Request headers that those pages may send, besides those of our clients. */
  allowedHeaders: readonly string[];
  /** Proxies that may report a client and its address of the page. */
  trustedProxies: TrustedProxies;
  rates: {
    user: Rate;
    address: Rate;
    /** Networks without a limit per address: a load balancer, this host. */
    addressExempt: NetworkList;
  };
  connections: ConnectionLimits;
  publicNodes: PublicNodes;
}

export function parseEdgeConfig(env: Environment): EdgeConfig {
  const edgePort = port(env, 'EDGE_PORT');
  const rate = (name: 'RATE_USER' | 'RATE_ADDRESS' | 'RATE_CONNECT'): Rate => ({
    perSecond: integer(env, `${name}_PER_S`, { min: 1, max: 1_000_000 }),
    burst: integer(env, `${name}_BURST`, { min: 1, max: 1_000_000 }),
  });
  return {
    host: parseHost(env, 'HOST'),
    port: edgePort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', edgePort === 0 ? 0 : edgePort + 1000),
    namespace: parseNamespace(env),
    redisUrl: parseRedisUrl(env),
    redisTls: parseTlsFiles(env, 'REDIS'),
    scoreAddress: serviceAddresses(env, 'SCORE_ADDRESS'),
    rankAddress: serviceAddresses(env, 'RANK_ADDRESS'),
    authAddress: serviceAddresses(env, 'AUTH_ADDRESS'),
    identity: parseServiceIdentity(env, 'edge'),
    tokenPolicy: parseTokenPolicy(env),
    allowedOrigins: parseOrigins(env, edgePort),
    allowedHeaders: parseAllowedHeaders(env),
    trustedProxies: parseTrustedProxies(env),
    rates: {
      user: rate('RATE_USER'),
      address: rate('RATE_ADDRESS'),
      addressExempt: networks(env, 'RATE_ADDRESS_EXEMPT'),
    },
    connections: {
      most: integer(env, 'MAX_CONNECTIONS', { min: 1 }),
      perAddress: rate('RATE_CONNECT'),
    },
    publicNodes: {
      fanoutUrl: parsePublicUrl(env, 'FANOUT_PUBLIC_URL', ['ws:', 'wss:']),
      fanoutPort: port(env, 'FANOUT_PORT'),
      gameUrl: parsePublicUrl(env, 'GAME_PUBLIC_URL', ['http:', 'https:']),
      gamePort: port(env, 'GAME_PORT'),
    },
  };
}
