/** An outside identity provider beside our own keys: each issuer has its keys and its rules, and they never mix. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import { createUserIdOf, subjectKeyOf } from '../../../services/shared/tokens/players/player-id.ts';
import {
  createTokenVerifier,
  type OwnedTokenVerifier,
  type TokenVerifierOptions,
} from '../../../services/shared/tokens/token-verifier.ts';
import { eventually } from '../../support/eventually.ts';
import {
  keySetJson,
  makeKey,
  makeToken,
  NOW_MS,
  outsideIssuer,
  POLICY,
  type TestKey,
} from './token-fixtures.ts';

const ours = makeKey('same-id');
const theirs = makeKey('same-id');
const IDP = outsideIssuer();
const THEIR_CLAIMS = { iss: IDP.issuer, aud: 'game' };
const REFRESH_MS = 60_000;
const MASTER_KEY = Buffer.alloc(32, 7);
const ALICE = createUserIdOf(subjectKeyOf(MASTER_KEY, IDP.issuer))('alice');
const MAX_JWKS_LENGTH = 262_144;

let ownKeys: TestKey[];
let ownDown: boolean;
let withoutSubjectKeys: boolean;
let askedForKeys: number;
let answer: () => Response;
let nowMs: number;
let verifier: OwnedTokenVerifier;
const log = { warn: vi.fn(), info: vi.fn() };
const fetched = vi.fn(async (_url: string, _options: RequestInit) => answer());

const auth = {
  async getKeySet() {
    if (ownDown) throw new AppError('AUTH_UNAVAILABLE');
    return { jwksJson: keySetJson(...ownKeys), version: '', unchanged: false, revocations: [] };
  },
  async getSubjectKeys({ issuers }: { issuers: string[] }) {
    askedForKeys += 1;
    if (withoutSubjectKeys) throw new AppError('AUTH_UNAVAILABLE');
    return { keys: issuers.map((issuer) => subjectKeyOf(MASTER_KEY, issuer)) };
  },
} as unknown as TokenVerifierOptions['auth'];

function start(options: Partial<TokenVerifierOptions> = {}): void {
  verifier = createTokenVerifier({
    policy: { ...POLICY, outside: [IDP] },
    ...{ auth, clock: { now: () => nowMs }, log: log as never },
    ...options,
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('fetch', fetched);
  for (const spy of [fetched, log.warn, log.info]) spy.mockClear();
  ownKeys = [ours];
  ownDown = false;
  withoutSubjectKeys = false;
  askedForKeys = 0;
  answer = () => new Response(keySetJson(theirs));
  nowMs = NOW_MS;
  start();
});
afterEach(() => {
  verifier.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
}
const ofTheirs = (claims: object = {}, header: object = {}) =>
  makeToken(theirs, { ...THEIR_CLAIMS, ...claims }, { ...header });
/** What the log says of the outside key set. */
const complaint = async () => {
  await eventually(() => expect(log.warn).toHaveBeenCalled());
  const [{ keySet, err }] = log.warn.mock.calls[0] as [{ keySet: string; err: Error }];
  return `${keySet}: ${err.message}`;
};

describe('an outside provider', () => {
  test('is believed about its own players, by its own keys, and we about ours', async () => {
    expect(await verifier.verify(ofTheirs())).toMatchObject({ issuer: IDP.issuer, userId: ALICE });
    expect(await verifier.verify(makeToken(ours))).toMatchObject({ issuer: 'scoreboard', userId: 'alice' });
    for (const crossed of [makeToken(theirs), makeToken(ours, THEIR_CLAIMS)]) {
      await expect(verifier.verify(crossed)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
    }
  });

  test('is asked at the configured address alone, without redirects, within two seconds', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    await pass(REFRESH_MS);
    expect(timeout).toHaveBeenCalledWith(2_000);
    expect(fetched).toHaveBeenCalledTimes(2);
    expect(fetched).toHaveBeenCalledWith(IDP.jwksUrl, {
      redirect: 'error',
      headers: { accept: 'application/json' },
      signal: expect.any(AbortSignal),
    });
    timeout.mockRestore();
  });

  test('is asked once a minute, and no more once the verifier is closed', async () => {
    await pass(REFRESH_MS - 1);
    expect(fetched).toHaveBeenCalledTimes(1);
    await pass(1);
    expect(fetched).toHaveBeenCalledTimes(2);
    verifier.close();
    await pass(3 * REFRESH_MS);
    expect(fetched).toHaveBeenCalledTimes(2);
  });

  test('whose key is gone loses its own players, although ours has the same id', async () => {
    const ownToken = makeToken(ours);
    const [their, our] = [await verifier.verify(ofTheirs()), await verifier.verify(ownToken)];
    const voided: string[] = [];
    verifier.onWithdrawn((isVoid) => {
      for (const identity of [their, our]) if (isVoid(identity)) voided.push(identity.issuer);
    });
    answer = () => new Response(keySetJson(makeKey('next')));
    await pass(REFRESH_MS);
    expect(voided).toEqual([IDP.issuer]);
    expect([verifier.stands(their), verifier.stands(our)]).toEqual([false, true]);
    await expect(verifier.verify(ofTheirs())).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
    expect(verifier.verify(ownToken)).toBe(our);
  });

  test('that publishes no key for a moment signs nobody out, and is counted', async () => {
    verifier.close();
    const metrics = createMetrics('test', { runtime: false });
    start({ metrics });
    const their = await verifier.verify(ofTheirs());
    answer = () => new Response('{"keys":[]}');
    await pass(REFRESH_MS);
    expect(await complaint()).toMatch(/^https:.*: the key set has no key that verifies signatures/);
    expect(verifier.stands(their)).toBe(true);
    expect(await verifier.verify(ofTheirs({ name: 'Another token' }))).toMatchObject({ userId: ALICE });
    expect(await metrics.text()).toMatch(/token_keys_failed_total\{issuer="https:.*\} [1-9]/);
  });

  test('may leave out the key id, and such a token is looked at each time', async () => {
    const token = ofTheirs({}, { kid: undefined });
    for (let times = 0; times < 2; times += 1) {
      const answered = verifier.verify(token);
      expect(answered).toBeInstanceOf(Promise);
      expect(await answered).toMatchObject({ userId: ALICE, keyId: '' });
    }
  });

  test('or our own issuer may be away: the other one is ready', async () => {
    verifier.close();
    ownDown = true;
    start();
    await eventually(() => expect(verifier.ready()).toBe(true));
    expect(await verifier.verify(ofTheirs())).toMatchObject({ userId: ALICE });
    expect(verifier.jwksJson()).toBeUndefined();
  });
});

describe('the user id of an outside player', () => {
  const restart = () => {
    verifier.close();
    start();
  };

  test('does not change with name or time, and auth is asked for its key once', async () => {
    restart();
    askedForKeys = 0;
    restart();
    for (const name of ['Kim', 'Lee', undefined]) {
      expect(await verifier.verify(ofTheirs({ name }))).toMatchObject({ userId: ALICE });
      await pass(REFRESH_MS);
      nowMs = NOW_MS;
    }
    expect(askedForKeys).toBe(1);
  });

  test('waits for its key: until auth gives it, the token is refused as not verifiable now', async () => {
    withoutSubjectKeys = true;
    ownDown = true;
    restart();
    await expect(verifier.verify(ofTheirs())).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
    expect(verifier.ready()).toBe(false);
    withoutSubjectKeys = false;
    await pass(250);
    expect(verifier.ready()).toBe(true);
    expect(await verifier.verify(ofTheirs())).toMatchObject({ userId: ALICE });
  });

  test('costs auth no more than one call per wait, however many tokens come meanwhile', async () => {
    withoutSubjectKeys = true;
    askedForKeys = 0;
    restart();
    for (let times = 0; times < 20; times += 1) {
      await expect(verifier.verify(ofTheirs({ jti: `t${times}` }))).rejects.toThrow(AppError);
    }
    expect(askedForKeys).toBe(1);
    await pass(10_000);
    expect(askedForKeys).toBeLessThan(10);
  });

  test('is the subject itself only if the settings say so', async () => {
    verifier.close();
    askedForKeys = 0;
    verifier = createTokenVerifier({
      policy: { ...POLICY, outside: [outsideIssuer({ subjects: 'raw' })] },
      ...{ auth, clock: { now: () => nowMs }, log: log as never },
    });
    expect(await verifier.verify(ofTheirs())).toMatchObject({ userId: 'alice' });
    expect(askedForKeys).toBe(0);
  });
});

describe('the answer of an outside provider', () => {
  const restart = (next: () => Response) => {
    verifier.close();
    log.warn.mockClear();
    answer = next;
    start();
  };
  const padded = (length: number) => {
    const json = keySetJson(theirs);
    return json + ' '.repeat(length - json.length);
  };

  test('may be as large as the largest, in as many pieces as it comes', async () => {
    const text = padded(MAX_JWKS_LENGTH);
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < text.length; at += 100_000) {
          controller.enqueue(Buffer.from(text.slice(at, at + 100_000)));
        }
        controller.close();
      },
    });
    restart(() => new Response(pieces));
    expect(await verifier.verify(ofTheirs())).toMatchObject({ userId: ALICE });
    expect(log.warn).not.toHaveBeenCalled();
  });

  test.each([
    [
      'larger than that',
      () => new Response(padded(MAX_JWKS_LENGTH + 1)),
      'https://idp.example: the key set is too large',
    ],
    [
      'an error',
      () => new Response(keySetJson(theirs), { status: 500 }),
      'https://idp.example: the key set answered 500',
    ],
    [
      'without a body',
      () => new Response(null, { status: 200 }),
      'https://idp.example: the key set answered 200',
    ],
  ])('that is %s is no key set', async (_, next, words) => {
    restart(next);
    expect(await complaint()).toBe(words);
    await expect(verifier.verify(ofTheirs())).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
  });
});
