/** Settings of rates and limits of the public processes. */
import type { Setting } from './setting.ts';

const LOOPBACK = '127.0.0.0/8,::1';

export const LIMIT_SETTINGS = {
  // A person earns a few points a second; a burst of retries after an outage must still fit.
  RATE_USER_PER_S: { of: ['edge'], default: '100', meaning: 'submissions of one player a second' },
  RATE_USER_BURST: { of: ['edge'], default: '500', meaning: 'submissions of one player at once' },
  // A household or an office behind one address.
  RATE_ADDRESS_PER_S: {
    of: ['edge'],
    default: '2000',
    meaning: 'requests of one address a second (an IPv6 /64 counts as one)',
  },
  RATE_ADDRESS_BURST: { of: ['edge'], default: '4000', meaning: 'requests of one address at once' },
  // An office that opens its browsers at once. With ten seconds of the rate, a fifth of all connections.
  RATE_CONNECT_PER_S: {
    of: ['edge'],
    default: '200',
    meaning: 'new connections of one address a second; further ones are closed at once',
  },
  RATE_CONNECT_BURST: { of: ['edge'], default: '2000', meaning: 'new connections of one address at once' },
  RATE_ADDRESS_EXEMPT: {
    of: ['edge'],
    default: LOOPBACK,
    meaning: 'networks without the limits by address; for connections, `TRUSTED_PROXIES` are exempt as well',
  },
  // Fits the 20,000 descriptors of a common limit, with room for everything else.
  MAX_CONNECTIONS: {
    of: ['edge'],
    default: '19000',
    meaning: 'open connections; when more than half of them are in use, each answer closes its connection',
  },
  // A healthy answer takes milliseconds. Requests that wait at the edge are refused after 300 ms, and verification and commit
  // take part of that.
  RANK_WAIT_MS: {
    of: ['score'],
    default: '250',
    meaning:
      'how long a submission waits for its rank after the commit, at most 500; later, the answer has `rank` 0',
  },
  BOARDS_BY_FIRST_SCORE: {
    of: ['score'],
    otherwise: '`true` in development, `false` in production',
    meaning:
      'whether the first score of an unknown board creates it, with the operator `sum`; otherwise such scores are refused with `BOARD_NOT_FOUND`',
  },
  TICK_MS: { of: ['fanout'], default: '50', meaning: 'the shortest time between two frames of a board' },
  // Fits the 20,000 descriptors of a common limit, with room for everything else.
  MAX_SOCKETS: { of: ['fanout'], default: '19000', meaning: 'open sockets' },
  // A household, an office or a mobile carrier's gateway, not a whole attack.
  MAX_SOCKETS_PER_ADDRESS: { of: ['fanout'], default: '1000', meaning: 'open sockets of one address' },
  // Upgrades at this rate cost half a core, so a reconnect storm does not starve open sockets, and ten thousand clients are back
  // within about seven seconds.
  MAX_UPGRADES_PER_S: {
    of: ['fanout'],
    default: '2000',
    meaning:
      'new sockets a second, and at once; one address gets a twentieth of the rate, and a quarter at once',
  },
  ADDRESS_LIMIT_EXEMPT: { of: ['fanout'], default: LOOPBACK, meaning: 'networks without limits by address' },
  SLOW_CONSUMER_MS: {
    of: ['fanout'],
    default: '30000',
    meaning: 'how long a socket may be behind before it is closed',
  },
  // A school class behind one address.
  GAME_SIGN_INS_PER_MINUTE: { of: ['game'], default: '30', meaning: 'new players of one address a minute' },
  GAME_SIGN_IN_EXEMPT: { of: ['game'], default: LOOPBACK, meaning: 'networks without this limit' },
} as const satisfies Readonly<Record<string, Setting>>;
