/** The settings of a fan-out node, from the environment. */

import { type AllowedOrigins, parseOrigins } from '../../services/shared/http/origins.ts';
import {
  parseServiceIdentity,
  type ServiceIdentity,
} from '../../services/shared/identity/service-identity.ts';
import { parseTrustedProxies, type TrustedProxies } from '../../services/shared/net/client-address.ts';
import { parseHost } from '../../services/shared/net/host-port.ts';
import { type NetworkList, networks } from '../../services/shared/net/networks.ts';
import { serviceAddresses } from '../../services/shared/net/service-addresses.ts';
import { type Environment, integer, port } from '../../services/shared/settings/env.ts';
import type { Secret } from '../../services/shared/settings/secret.ts';
import { parseNamespace } from '../../services/shared/stores/names.ts';
import {
  type NatsAccess,
  parseNatsAccess,
  parseNatsUrl,
} from '../../services/shared/stores/nats/nats-address.ts';
import { parseTokenPolicy, type TokenPolicy } from '../../services/shared/tokens/rules/token-policy.ts';
import { MAX_TICK_MS } from './hub/limits.ts';

export interface FanoutConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  /** NAMESPACE: what the names in NATS and Redis begin with. */
  namespace: string;
  natsUrl: Secret;
  natsAccess?: NatsAccess | undefined;
  /** host:port */
  rankAddress: string;
  /** host:port */
  authAddress: string;
  /** The identity of this process for auth and rank. */
  identity: ServiceIdentity;
  /** Origins of pages that may open sockets. */
  allowedOrigins: AllowedOrigins;
  tokenPolicy: TokenPolicy;
  /** Shortest interval between two publications of a board. */
  tickMs: number;
  maxSockets: number;
  maxSocketsPerAddress: number;
  /** New sockets per second, and as a burst. */
  maxUpgradesPerS: number;
  /** Networks without limits by address. */
  addressLimitExempt: NetworkList;
  /** Proxies that may report a client. */
  trustedProxies: TrustedProxies;
  /** How long a socket may be behind before it is closed. */
  slowConsumerMs: number;
}

export function parseFanoutConfig(env: Environment): FanoutConfig {
  const fanoutPort = port(env, 'FANOUT_PORT');
  const edgePort = port(env, 'EDGE_PORT');
  return {
    host: parseHost(env, 'HOST'),
    port: fanoutPort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', fanoutPort === 0 ? 0 : fanoutPort + 1000),
    namespace: parseNamespace(env),
    natsUrl: parseNatsUrl(env),
    natsAccess: parseNatsAccess(env),
    rankAddress: serviceAddresses(env, 'RANK_ADDRESS'),
    authAddress: serviceAddresses(env, 'AUTH_ADDRESS'),
    identity: parseServiceIdentity(env, 'fanout'),
    allowedOrigins: parseOrigins(env, edgePort),
    tokenPolicy: parseTokenPolicy(env),
    tickMs: integer(env, 'TICK_MS', { min: 1, max: MAX_TICK_MS }),
    maxSockets: integer(env, 'MAX_SOCKETS', { min: 1 }),
    maxSocketsPerAddress: integer(env, 'MAX_SOCKETS_PER_ADDRESS', { min: 1 }),
    maxUpgradesPerS: integer(env, 'MAX_UPGRADES_PER_S', { min: 1 }),
    addressLimitExempt: networks(env, 'ADDRESS_LIMIT_EXEMPT'),
    trustedProxies: parseTrustedProxies(env),
    slowConsumerMs: integer(env, 'SLOW_CONSUMER_MS', { min: 1_000 }),
  };
}
