import { beforeEach, describe, expect, test } from 'vitest';
import { CLOSE } from '../../../../../edge/fanout/frames/close-codes.ts';
import { createFanoutMetrics } from '../../../../../edge/fanout/metrics/fanout-metrics.ts';
import { type Admission, createAdmission } from '../../../../../edge/fanout/sockets/admission.ts';
import { openingOf } from '../../../../../edge/fanout/sockets/opening.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { parseOrigins } from '../../../../../services/shared/http/origins.ts';
import type { HttpRequest, HttpResponse } from '../../../../../services/shared/http/uws.ts';
import { parseTrustedProxies } from '../../../../../services/shared/net/client-address.ts';
import { parseNetworks } from '../../../../../services/shared/net/networks.ts';
import { createLog, type Log } from '../../../../../services/shared/telemetry/log.ts';

const HANDSHAKE = {
  host: 'live.example',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};
const EVIL = { origin: 'https://evil.test' };
const AT = { from: '192.0.2.1', path: '/live', query: '' };
let admission: Admission;
/** Lines that were logged. */
let lines: Record<string, unknown>[];
let log: Log;

beforeEach(() => {
  lines = [];
  log = createLog('test', 'info', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
  admission = createAdmission({
    ...{ maxSockets: 1_000, maxSocketsPerAddress: 2, maxUpgradesPerS: 100 },
    addressLimitExempt: parseNetworks([]),
    monotonicMs: () => 1_000,
  });
});

/** One attempt, in which only the headers and the address differ from one that is accepted. */
function attempt(headers: Record<string, string>, at: Partial<typeof AT> = {}, isDraining = false) {
  const { from, path, query } = { ...AT, ...at };
  const sent = Object.entries({ ...HANDSHAKE, ...headers });
  const request: Pick<HttpRequest, 'getUrl' | 'getQuery' | 'forEach'> = {
    getUrl: () => path,
    getQuery: (() => query) as HttpRequest['getQuery'],
    forEach(tell) {
      for (const [name, value] of sent) tell(name, value);
    },
  };
  const bytes = Buffer.from(from);
  const response: Pick<HttpResponse, 'getRemoteAddressAsText'> = {
    getRemoteAddressAsText: () => new Uint8Array(bytes).buffer,
  };
  return openingOf(response as HttpResponse, request as HttpRequest, {
    ...{ admission, isDraining, metrics: createFanoutMetrics(), log },
    allowedOrigins: parseOrigins({ ALLOWED_ORIGINS: 'https://play.example' }, 8080),
    trustedProxies: parseTrustedProxies({}),
  });
}

/** What came of it: a socket, a close code, or the reason of the HTTP refusal. */
function outcome(opening: ReturnType<typeof attempt>): string | number {
  if (opening instanceof AppError) return opening.reason;
  return opening.data.refused?.close.code ?? 'socket';
}

describe('a refused handshake', () => {
  test.each([
    ['a page of another origin', EVIL, {}, CLOSE.ORIGIN_NOT_ALLOWED.code],
    [
      'a page at another path',
      { origin: 'https://play.example' },
      { path: '/lively' },
      CLOSE.WRONG_PATH.code,
    ],
    ['a page with a token in the URL', { origin: 'https://play.example' }, { query: 'jwt=x' }, 4400],
    ['a program at another path', {}, { path: '/lively' }, 'ROUTE_NOT_FOUND'],
    ['a program with a token in the URL', {}, { query: 'jwt=x' }, 'TOKEN_IN_URL'],
    ['a page that does not ask for a WebSocket', { ...EVIL, upgrade: 'h2c' }, {}, 'HANDSHAKE_INVALID'],
    ['a page without a valid Host', { ...EVIL, host: 'a b' }, {}, 'REQUEST_INVALID'],
  ])('of %s', (_, headers, at, expected) => {
    expect(outcome(attempt(headers, at))).toBe(expected);
  });

  test('of a page is logged with its origin, since its developer cannot read it elsewhere', () => {
    attempt(EVIL);
    attempt({}, { path: '/lively' });
    expect(lines).toMatchObject([
      { msg: 'page refused', reason: 'ORIGIN_NOT_ALLOWED', origin: expect.stringContaining('http') },
    ]);
  });

  test('of a page at a node that stops is an HTTP answer', () => {
    expect(outcome(attempt(EVIL, {}, true))).toBe('SHUTTING_DOWN');
  });

  test('of a page is limited as every other one: by rate and by open sockets of its address', () => {
    const flood = Array.from({ length: 40 }, () => {
      const opening = attempt(EVIL);
      if (!(opening instanceof AppError)) admission.release(opening.data.refused?.share);
      return outcome(opening);
    });
    expect(flood.filter((each) => each === CLOSE.ORIGIN_NOT_ALLOWED.code)).toHaveLength(25);
    expect(flood.at(-1)).toBe('RATE_LIMITED');
    const other = { from: '192.0.2.2' };
    expect([attempt(EVIL, other), attempt(EVIL, other), attempt(EVIL, other)].map(outcome)).toEqual([
      CLOSE.ORIGIN_NOT_ALLOWED.code,
      CLOSE.ORIGIN_NOT_ALLOWED.code,
      'RATE_LIMITED',
    ]);
  });

  test('never chooses a token as the subprotocol of the answer', () => {
    let host = 0;
    const protocolFor = (offered: string) => {
      host += 1;
      const opening = attempt({ ...EVIL, 'sec-websocket-protocol': offered }, { from: `192.0.2.${host}` });
      return opening instanceof AppError ? undefined : opening.protocol;
    };
    expect(protocolFor('bearer.a.b.c, scoreboard.v1')).toBe('scoreboard.v1');
    expect(protocolFor('bearer.a.b.c, chat')).toBe('chat');
    expect(protocolFor('bearer.a.b.c')).toBe('');
    expect(protocolFor('eyJhbGciOiJub25lIn0.e30.')).toBe('');
    expect(protocolFor('')).toBe('');
  });
});
