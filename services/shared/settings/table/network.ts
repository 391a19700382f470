/** Settings of ports, hosts and addresses, and of the processes as such. */
import { INTERNAL, PUBLIC, type Setting, UNITS } from './setting.ts';

export const NETWORK_SETTINGS = {
  SCOREBOARD_MODE: {
    of: ['npm start', ...UNITS, 'redis-scripts'],
    default: 'development',
    meaning: '`production` refuses settings that are meant for development',
  },
  DATA_DIR: {
    of: ['npm start', 'auth', 'cli', 'simulate'],
    default: '.data',
    meaning:
      'data of the servers, keys and logs; stacks with different ports and folders can run side by side',
  },
  LOG_LEVEL: {
    of: ['npm start', ...UNITS, 'redis-scripts'],
    default: 'info',
    meaning: 'trace, debug, info, warn, error, fatal or silent',
  },
  EDGE_PORT: {
    of: ['npm start', ...PUBLIC],
    default: '8080',
    meaning: 'the port of the page and the public HTTP API',
  },
  FANOUT_PORT: {
    of: ['npm start', 'edge', 'fanout'],
    default: '8081',
    meaning: 'the port of the WebSocket',
  },
  GAME_PORT: {
    of: ['npm start', 'edge', 'game'],
    default: '8082',
    meaning: 'the port of the demo game',
  },
  AUTH_PORT: { of: ['npm start', 'auth'], default: '50051', meaning: 'the gRPC port of auth' },
  SCORE_PORT: { of: ['npm start', 'score'], default: '50052', meaning: 'the gRPC port of score' },
  RANK_PORT: { of: ['npm start', 'rank'], default: '50053', meaning: 'the gRPC port of rank' },
  HOST: {
    of: ['npm start', ...PUBLIC],
    default: '127.0.0.1',
    meaning: 'the address to which public ports are bound: a name, an IPv4 or an IPv6 address',
  },
  INTERNAL_HOST: {
    of: ['npm start', ...INTERNAL],
    default: '127.0.0.1',
    meaning: 'the address to which gRPC ports are bound; open it to other machines in production mode only',
  },
  INTERNAL_SOCKET: {
    of: INTERNAL,
    otherwise: 'none',
    meaning:
      'the path of a Unix socket at which the gRPC service listens beside its port, for processes on the same machine; `npm start` decides it',
  },
  ADMIN_HOST: {
    of: UNITS,
    default: '127.0.0.1',
    meaning: 'the address of `/metrics`, `/healthz` and `/readyz` of a process',
  },
  ADMIN_PORT: {
    of: UNITS,
    otherwise: 'port + 1000',
    meaning: 'the port of `/metrics`, `/healthz` and `/readyz` of a process',
  },
  AUTH_ADDRESS: {
    of: ['score', ...PUBLIC, 'cli', 'simulate'],
    default: '127.0.0.1:50051',
    meaning:
      '`host:port` of auth, `dns:///host:port` or `unix:PATH`, or a list of these; by default cli and simulate use the stack in `DATA_DIR`',
  },
  SCORE_ADDRESS: {
    of: ['edge', 'cli'],
    default: '127.0.0.1:50052',
    meaning:
      '`host:port` of score, `dns:///host:port` or `unix:PATH`, or a list of these; by default cli uses the stack in `DATA_DIR`',
  },
  RANK_ADDRESS: {
    of: ['score', 'edge', 'fanout', 'cli'],
    default: '127.0.0.1:50053',
    meaning:
      '`host:port` of rank, `dns:///host:port` or `unix:PATH`, or a list of these; by default cli uses the stack in `DATA_DIR`',
  },
  EDGE_URL: {
    of: ['simulate'],
    otherwise: "the running stack's",
    meaning: 'the edge that the simulated players use',
  },
  FANOUT_PUBLIC_URL: {
    of: ['edge'],
    otherwise: "the page's host, `FANOUT_PORT`",
    meaning:
      'the address at which the page finds the fan-out: a URL such as `wss://live.example/live`, or a path such as `/live` below that of the page',
  },
  GAME_PUBLIC_URL: {
    of: ['edge'],
    otherwise: "the page's host, `GAME_PORT`",
    meaning:
      'the address at which the page finds the demo game: a URL, or a path such as `/game` below that of the page',
  },
  ALLOWED_ORIGINS: {
    of: PUBLIC,
    otherwise: "the edge's own page, by localhost and IP address",
    meaning:
      "origins of further pages that may call, as browsers write them, such as `https://play.example`, `https://*.play.example` or `capacitor://localhost`; `-` lets no page in, not even the edge's own",
  },
  ALLOWED_HEADERS: {
    of: ['edge', 'game'],
    default: '-',
    meaning:
      'further request headers that pages may send, such as those of a vendor for tracing; `traceparent`, `tracestate`, `baggage` and `sentry-trace` are always allowed',
  },
  TRUSTED_PROXIES: {
    of: PUBLIC,
    default: '-',
    meaning:
      'networks of proxies whose `X-Forwarded-For`, `-Proto`, `-Host`, `-Prefix` or `Forwarded` is believed; all lines of a header are read as one list',
  },
  FORWARDED_HEADER: {
    of: PUBLIC,
    default: 'any',
    meaning:
      'the header in which those proxies name the client: `x-forwarded-for`, `forwarded`, or `any` for `X-Forwarded-For` if the request has it, else `Forwarded`; set `forwarded` if your proxies write only that, since clients can write the other',
  },
} as const satisfies Readonly<Record<string, Setting>>;
