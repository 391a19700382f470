/** Environment of the demo game server. */

import { type AllowedOrigins, parseOrigins } from '../shared/http/origins.ts';
import { parseServiceIdentity, type ServiceIdentity } from '../shared/identity/service-identity.ts';
import { parseHost } from '../shared/net/host-port.ts';
import { type NetworkList, networks } from '../shared/net/networks.ts';
import { type Environment, integer, port, text } from '../shared/settings/env.ts';
import { parseTokenPolicy, type TokenPolicy } from '../shared/tokens/token-policy.ts';

export interface GameConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  /** host:port */
  readonly authAddress: string;
  /** What makes this server a trusted one. */
  readonly identity: ServiceIdentity;
  readonly tokenPolicy: TokenPolicy;
  /** Pages that may call from a browser. */
  readonly allowedOrigins: AllowedOrigins;
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: NetworkList;
  /** Of the public port, of all addresses together. */
  readonly connections: number;
  readonly signIns: {
    /** New players that one address may bring a minute, and at once. */
    readonly perMinute: number;
    /** Addresses that may bring any number: this machine. */
    readonly exempt: NetworkList;
  };
}

const DEFAULT_PORT = 8082;
const ADMIN_PORT_OFFSET = 1_000;
/** Players with a page open; each takes one or two. */
const MAX_CONNECTIONS = 2_000;
/** A school class behind one address. */
const SIGN_INS_PER_MINUTE = 30;

export function parseGameConfig(env: Environment): GameConfig {
  const gamePort = port(env, 'GAME_PORT', DEFAULT_PORT);
  const edgePort = port(env, 'EDGE_PORT', 8080);
  // This server signs its players in itself, so tokens of an outside identity provider are none of its business.
  const { issuer, audience } = parseTokenPolicy(env);
  return {
    host: parseHost(env, 'HOST'),
    port: gamePort,
    adminHost: parseHost(env, 'ADMIN_HOST'),
    adminPort: port(env, 'ADMIN_PORT', gamePort === 0 ? 0 : gamePort + ADMIN_PORT_OFFSET),
    authAddress: text(env, 'AUTH_ADDRESS', '127.0.0.1:50051'),
    identity: parseServiceIdentity(env, 'game'),
    tokenPolicy: { issuer, audience },
    allowedOrigins: parseOrigins(env, edgePort),
    trustedProxies: networks(env, 'TRUSTED_PROXIES', []),
    connections: MAX_CONNECTIONS,
    signIns: {
      perMinute: integer(env, 'GAME_SIGN_INS_PER_MINUTE', SIGN_INS_PER_MINUTE, { min: 1, max: 100_000 }),
      exempt: networks(env, 'GAME_SIGN_IN_EXEMPT', ['127.0.0.0/8', '::1']),
    },
  };
}
