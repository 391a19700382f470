/** Environment of a fan-out node. */

import { type AllowedOrigins, parseOrigins } from '../../services/shared/http/origins.ts';
import {
  parseServiceIdentity,
  type ServiceIdentity,
} from '../../services/shared/identity/service-identity.ts';
import { parseHost } from '../../services/shared/net/host-port.ts';
import { type NetworkList, networks } from '../../services/shared/net/networks.ts';
import {
  type Environment,
  integer,
  optionalSecret,
  port,
  secretUrl,
  text,
  withPassword,
} from '../../services/shared/settings/env.ts';
import type { Secret } from '../../services/shared/settings/secret.ts';
import { parseTokenPolicy, type TokenPolicy } from '../../services/shared/tokens/token-policy.ts';
import { MAX_TICK_MS, UPGRADES_PER_S } from './limits.ts';

export interface FanoutConfig {
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  natsUrl: Secret;
  /** host:port */
  rankAddress: string;
  /** host:port */
  authAddress: string;
  /** What auth and rank are shown. */
  identity: ServiceIdentity;
  /** Pages that may open sockets. */
  allowedOrigins: AllowedOrigins;
  tokenPolicy: TokenPolicy;
  /** Shortest time between two publications of a board. */
  tickMs: number;
  maxSockets: number;
  maxSocketsPerAddress: number;
  /** New sockets a second, and at once. */
  maxUpgradesPerS: number;
  /** Networks without a share of their own. */
  addressLimitExempt: NetworkList;
  /** Proxies whose X-Forwarded-For is believed. */
  trustedProxies: NetworkList;
  /** How long a socket may fail to keep up. */
  slowConsumerMs: number;
}

/** Fits the 20,000 descriptors of a common limit, with room for everything else. */
const MAX_SOCKETS = 19_000;
/** A household, an office or a mobile carrier's gateway, not a whole attack. */
const MAX_SOCKETS_PER_ADDRESS = 1_000;
const SLOW_CONSUMER_MS = 30_000;

export function parseFanoutConfig(env: Environment): FanoutConfig {
  const fanoutPort = port(env, 'FANOUT_PORT', 8081);
  const edgePort = port(env, 'EDGE_PORT', 8080);
  return {
    host: parseHost(env, 'HOST'),
    port: fanoutPort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', fanoutPort === 0 ? 0 : fanoutPort + 1000),
    natsUrl: withPassword(secretUrl(env, 'NATS_URL'), optionalSecret(env, 'NATS_PASSWORD')),
    rankAddress: text(env, 'RANK_ADDRESS', '127.0.0.1:50053'),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    identity: parseServiceIdentity(env, 'fanout'),
    allowedOrigins: parseOrigins(env, edgePort),
    tokenPolicy: parseTokenPolicy(env),
    tickMs: integer(env, 'TICK_MS', 50, { min: 1, max: MAX_TICK_MS }),
    maxSockets: integer(env, 'MAX_SOCKETS', MAX_SOCKETS, { min: 1 }),
    maxSocketsPerAddress: integer(env, 'MAX_SOCKETS_PER_ADDRESS', MAX_SOCKETS_PER_ADDRESS, { min: 1 }),
    maxUpgradesPerS: integer(env, 'MAX_UPGRADES_PER_S', UPGRADES_PER_S, { min: 1 }),
    addressLimitExempt: networks(env, 'ADDRESS_LIMIT_EXEMPT', ['127.0.0.0/8', '::1']),
    trustedProxies: networks(env, 'TRUSTED_PROXIES', []),
    slowConsumerMs: integer(env, 'SLOW_CONSUMER_MS', SLOW_CONSUMER_MS, { min: 1_000 }),
  };
}
