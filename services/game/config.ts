/** Settings of the demo game server. */
import { parseAllowedHeaders } from '../shared/http/allowed-headers.ts';
import { type AllowedOrigins, parseOrigins } from '../shared/http/origins.ts';
import { parseServiceIdentity, type ServiceIdentity } from '../shared/identity/service-identity.ts';
import { parseTrustedProxies, type TrustedProxies } from '../shared/net/client-address.ts';
import { parseHost } from '../shared/net/host-port.ts';
import { type NetworkList, networks } from '../shared/net/networks.ts';
import { serviceAddresses } from '../shared/net/service-addresses.ts';
import { type Environment, integer, port } from '../shared/settings/env.ts';
import { parseTokenPolicy, type TokenPolicy } from '../shared/tokens/rules/token-policy.ts';

export interface GameConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  /** host:port */
  readonly authAddress: string;
  /** How this server identifies itself to auth. */
  readonly identity: ServiceIdentity;
  readonly tokenPolicy: TokenPolicy;
  /** Origins of the pages that may call from a browser. */
  readonly allowedOrigins: AllowedOrigins;
  /** Request headers that those pages may send, besides those of our clients. */
  readonly allowedHeaders: readonly string[];
  /** Proxies that may report a client. */
  readonly trustedProxies: TrustedProxies;
  /** Most connections of the public port, of all addresses together. */
  readonly connections: number;
  readonly signIns: {
    /** New players per address and minute; as many may come at once. */
    readonly perMinute: number;
    /** Addresses without limits: this machine. */
    readonly exempt: NetworkList;
  };
}

const ADMIN_PORT_OFFSET = 1_000;
/** A player with an open page holds one or two. */
const MAX_CONNECTIONS = 2_000;

export function parseGameConfig(env: Environment): GameConfig {
  const gamePort = port(env, 'GAME_PORT');
  const edgePort = port(env, 'EDGE_PORT');
  return {
    host: parseHost(env, 'HOST'),
    port: gamePort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', gamePort === 0 ? 0 : gamePort + ADMIN_PORT_OFFSET),
    authAddress: serviceAddresses(env, 'AUTH_ADDRESS'),
    identity: parseServiceIdentity(env, 'game'),
    tokenPolicy: parseTokenPolicy(env),
    allowedOrigins: parseOrigins(env, edgePort),
    allowedHeaders: parseAllowedHeaders(env),
    trustedProxies: parseTrustedProxies(env),
    connections: MAX_CONNECTIONS,
    signIns: {
      perMinute: integer(env, 'GAME_SIGN_INS_PER_MINUTE', { min: 1, max: 100_000 }),
      exempt: networks(env, 'GAME_SIGN_IN_EXEMPT'),
    },
  };
}
