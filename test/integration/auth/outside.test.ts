import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import {
  createTokenVerifier,
  type OwnedTokenVerifier,
  type TokenVerifierOptions,
} from '../../../services/shared/tokens/token-verifier.ts';
import { eventually } from '../../support/eventually.ts';
import { BUSY_MS } from '../../support/wait-for.ts';
import {
  keySetJson,
  makeKey,
  makeToken,
  outsideIssuer,
  type Part,
  POLICY,
  type TestKey,
} from '../../unit/auth/token-fixtures.ts';

/** More than the cool-down between two fetches. */
const COOLED_MS = 2_000;
const ISSUER = 'https://idp.example';
const first = makeKey('first', 'rsa');
const second = makeKey('second');

let server: Server;
let url: string;
let requests: string[];
let answer: (response: ServerResponse) => void;
let verifier: OwnedTokenVerifier;
let aheadMs: number;
const clock = { now: () => Date.now() + aheadMs };

const publish = (...keys: TestKey[]) => {
  answer = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(keySetJson(...keys));
};
/** Our own auth service is down all the while: outside tokens with plain subjects don't need it. */
const auth = {
  getKeySet: () => Promise.reject(new AppError('AUTH_UNAVAILABLE')),
} as unknown as TokenVerifierOptions['auth'];

function start(): void {
  verifier = createTokenVerifier({
    policy: {
      ...POLICY,
      outside: [outsideIssuer({ jwksUrl: `${url}/jwks`, issuer: ISSUER, subjects: 'raw' })],
    },
    auth,
    clock,
    log: createSilentLog(),
  });
}

function token(key: TestKey, claims: Part = {}, header: Part = {}): string {
  const now = Math.floor(clock.now() / 1000);
  const alg = key.privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const outside = { iss: ISSUER, aud: 'game', jti: undefined, iat: now, exp: now + 600 };
  return makeToken(key, { ...outside, ...claims }, { alg, typ: 'JWT', ...header });
}
const verify = async (text: string) => verifier.verify(text);
const refusedWith = async (text: string) =>
  verify(text).then(
    () => 'accepted',
    (error) => error.reason,
  );

beforeEach(async () => {
  requests = [];
  aheadMs = 0;
  publish(first);
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  verifier.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("an outside provider's tokens", () => {
  test('are accepted by the keys it publishes, without our own auth service', async () => {
    start();
    expect(await verify(token(first, { sub: 'auth0|7', name: 'Dora' }))).toMatchObject({
      userId: 'auth0|7',
      username: 'Dora',
      tokenId: '',
    });
    expect(verifier.ready()).toBe(true);
    expect(verifier.jwksJson()).toBeUndefined();
    expect(requests).toEqual(['/jwks']);
  });

  test('are accepted through a rotation, and refused once their key is gone', async () => {
    start();
    const old = token(first);
    await verify(old);
    publish(first, second);
    aheadMs += COOLED_MS;
    expect(await refusedWith(token(second))).toBe('accepted');
    expect(await refusedWith(old)).toBe('accepted');
    publish(second);
    aheadMs += COOLED_MS;
    expect(await refusedWith(token(makeKey('unknown')))).toBe('TOKEN_INVALID');
    expect(await refusedWith(old)).toBe('TOKEN_INVALID');
    expect(await refusedWith(token(second, { jti: 'other' }))).toBe('accepted');
  });

  test('go on being accepted while the provider is down', async () => {
    start();
    await verify(token(first));
    answer = (response) => response.writeHead(500).end();
    aheadMs += 60 * 60_000;
    expect(await refusedWith(token(first, { jti: 'later' }))).toBe('accepted');
  });

  test('never make us ask any address but the configured one', async () => {
    start();
    await verify(token(first));
    for (const header of [{ jku: `${url}/evil` }, { x5u: `${url}/evil` }, { jwk: second.publicJwk }]) {
      expect(await refusedWith(token(second, {}, { kid: 'first', alg: 'ES256', ...header }))).toBe(
        'TOKEN_INVALID',
      );
    }
    expect(new Set(requests)).toEqual(new Set(['/jwks']));
  });

  test('with a thousand unknown key ids cost one request', async () => {
    start();
    await verify(token(first));
    aheadMs += COOLED_MS;
    const storm = Array.from({ length: 1000 }, (_, index) =>
      refusedWith(token(second, {}, { kid: `x${index}` })),
    );
    expect(new Set(await Promise.all(storm))).toEqual(new Set(['TOKEN_INVALID']));
    expect(requests).toHaveLength(2);
  });

  const broken: [string, (response: ServerResponse) => void][] = [
    ['an error', (response) => response.writeHead(503).end(keySetJson(first))],
    ['a redirect', (response) => response.writeHead(302, { location: `${url}/elsewhere` }).end()],
    ['a page', (response) => response.writeHead(200).end('<html></html>')],
    [
      'a set of more than 256 KiB',
      (response) => response.writeHead(200).end(`${' '.repeat(300_000)}{"keys":[]}`),
    ],
    ['a connection that closes', (response) => response.destroy()],
  ];
  test.each(broken)(
    'meet AUTH_UNAVAILABLE when the provider only ever answered with %s',
    async (_, reply) => {
      answer = reply;
      start();
      expect(await refusedWith(token(first))).toBe('AUTH_UNAVAILABLE');
      expect(verifier.ready()).toBe(false);
      expect(requests).not.toContain('/elsewhere');
      publish(first);
      await eventually(async () => expect(await refusedWith(token(first))).toBe('accepted'));
    },
  );

  test('wait no longer than the limit for a provider that says nothing', async () => {
    answer = () => {};
    start();
    const started = performance.now();
    expect(await refusedWith(token(first))).toBe('AUTH_UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(2_000 + BUSY_MS);
  });
});
