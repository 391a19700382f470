/** Tokens of outside issuers: the algorithms, headers, claims and clocks that are accepted, and those that are not. */
import { createLocalJWKSet, type JWSHeaderParameters } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { parseKeySet } from '../../../../../services/shared/tokens/keys/held-keys.ts';
import { checkToken, parseToken } from '../../../../../services/shared/tokens/rules/token-check.ts';
import {
  outsideTokenRules,
  type TokenRules,
} from '../../../../../services/shared/tokens/rules/token-policy.ts';
import { TokenRefusal } from '../../../../../services/shared/tokens/rules/token-refusal.ts';
import {
  CLAIMS,
  encode,
  keySetJson,
  makeHmacToken,
  makeKey,
  makeToken,
  NOW_MS,
  NOW_S,
  outsideIssuer,
  type Part,
  type TestKey,
} from '../../../auth/token-fixtures.ts';

const key = makeKey('k1');
const stranger = makeKey('k1');
const p384 = makeKey('k2', 'ec384');
const p521 = makeKey('k3', 'ec521');
const rsa = makeKey('r1', 'rsa');
const ed = makeKey('e1', 'ed25519');
const short = makeKey('s1', 'rsa', 1024);
const KEYS = [key, p384, p521, rsa, ed, short];
const OUTSIDE = outsideTokenRules(outsideIssuer({ issuer: 'https://idp' }));
const claims = { iss: 'https://idp', aud: 'game', jti: undefined, name: undefined };

function check(token: string, rules: TokenRules = OUTSIDE, keys: TestKey[] = KEYS) {
  const resolve = createLocalJWKSet(parseKeySet(keySetJson(...keys)));
  const findKey = (header: JWSHeaderParameters) => resolve(header).catch(() => undefined);
  return (async () => checkToken(parseToken(token), rules, findKey, NOW_MS))();
}

async function ruleFailed(token: string, rules?: TokenRules): Promise<string> {
  try {
    await check(token, rules);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof TokenRefusal) || error.reason !== 'TOKEN_INVALID') throw error;
    return error.rule;
  }
}

describe("an outside issuer's token", () => {
  const asymmetric: [string, TestKey][] = [
    ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg): [string, TestKey] => [alg, rsa]),
    ['ES256', key],
    ['ES384', p384],
    ['ES512', p521],
    ['EdDSA', ed],
    ['Ed25519', ed],
  ];
  test.each(asymmetric)('counts when it is signed with %s', async (alg, by) => {
    const token = makeToken(by, claims, { alg, typ: 'JWT' });
    expect(await check(token)).toMatchObject({ userId: 'alice' });
    expect(await ruleFailed(token, { ...OUTSIDE, algorithms: ['none'] })).toBe('algorithm');
  });

  test('names the same key by either name of its algorithm', async () => {
    for (const [published, used] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
    ]) {
      const named = { ...ed, publicJwk: { ...ed.publicJwk, alg: published } };
      const token = makeToken(ed, claims, { alg: used });
      expect(await check(token, OUTSIDE, [named]), `${published} for ${used}`).toMatchObject({
        userId: 'alice',
      });
    }
  });

  test.each(['HS256', 'HS384', 'HS512', 'none', 'RSA-OAEP', 'ES256K'])(
    'never counts with %s',
    async (alg) => {
      const token = makeHmacToken(rsa.publicPem, { alg, kid: 'r1' });
      expect(await ruleFailed(token)).toBe('algorithm');
    },
  );

  test('needs no token id and no type', async () => {
    expect(await check(makeToken(key, claims, { typ: undefined }))).toMatchObject({ tokenId: '' });
  });

  test('may name no key if there is only one, and may have headers that ours lack', async () => {
    const unnamed = makeToken(key, claims, { kid: undefined, cty: 'JWT' });
    expect(await check(unnamed, OUTSIDE, [key])).toMatchObject({ userId: 'alice', keyId: '' });
    expect(await check(makeToken(key, claims))).toMatchObject({ keyId: 'k1' });
  });

  test.each([
    ['jku', 'https://evil.example'],
    ['jwk', key.publicJwk],
    ['x5u', 'https://evil.example'],
    ['x5c', ['MIIB']],
    ['b64', true],
    ['crit', ['b64']],
  ])('that is genuine is refused when its header has %s', async (name, value) => {
    expect(await ruleFailed(makeToken(key, claims))).toBe('accepted');
    const token = makeToken(key, claims, { [name]: value });
    expect(await ruleFailed(token)).toBe('header');
    // Nor is a key looked for, whatever jose would have said later.
    const findKey = vi.fn(async () => undefined);
    await expect(checkToken(parseToken(token), OUTSIDE, findKey, NOW_MS)).rejects.toThrow(AppError);
    expect(findKey).not.toHaveBeenCalled();
  });

  const refused: Record<string, [string, string]> = {
    'algorithm none': ['algorithm', `${encode({ alg: 'none' })}.${encode({ ...CLAIMS, ...claims })}.`],
    'our issuer': ['issuer', makeToken(key, { ...claims, iss: 'scoreboard' })],
    'our audience': ['audience', makeToken(key, { ...claims, aud: 'scoreboard' })],
    'no expiry': ['claim_missing', makeToken(key, { ...claims, exp: undefined })],
    'no time of issue': ['claim_missing', makeToken(key, { ...claims, iat: undefined })],
    'no subject': ['claim_missing', makeToken(key, { ...claims, sub: undefined })],
    'an empty subject': ['subject', makeToken(key, { ...claims, sub: '' })],
    'a subject that can be no user id, if subjects are user ids': [
      'subject',
      makeToken(key, { ...claims, sub: 'Jörg' }),
    ],
    'a user id that is derived from a subject of another issuer': [
      'subject',
      makeToken(key, { ...claims, sub: 'u_zmhnyyrfq7r8yxfxmrp2z' }),
    ],
    'a number as subject': ['subject', makeToken(key, { ...claims, sub: 7 })],
    'its own key': ['header', makeToken(stranger, claims, { jwk: stranger.publicJwk })],
    'a critical extension': ['header', makeToken(key, claims, { crit: ['x'], x: 1 })],
    'an age of two days': ['too_old', makeToken(key, { ...claims, iat: NOW_S - 172_800 })],
    'a key too short for its algorithm': ['key', makeToken(short, claims, { alg: 'RS256' })],
    "another key's algorithm": ['signature', makeToken(key, claims, { kid: 'r1', alg: 'RS256' })],
    "another key's signature": ['signature', makeToken(stranger, claims)],
  };
  test.each(Object.entries(refused))('is refused with %s', async (_, [rule, token]) => {
    expect(await ruleFailed(token)).toBe(rule);
  });
});

describe('the clock of an outside issuer', () => {
  const at = (times: Part) => ruleFailed(makeToken(key, { ...claims, ...times }));

  test('may be a minute ahead', async () => {
    expect(await at({ iat: NOW_S + 59, nbf: NOW_S + 59 })).toBe('accepted');
    expect(await at({ iat: NOW_S + 62 })).toBe('not_yet_valid');
    expect(await at({ nbf: NOW_S + 62 })).toBe('not_yet_valid');
  });

  test('may be a minute behind', async () => {
    expect(await at({ iat: NOW_S - 600, exp: NOW_S - 58 })).toBe('accepted');
    expect(await at({ iat: NOW_S - 600, exp: NOW_S - 62 })).toBe('expired');
  });

  test('makes a token last as long as it is accepted, and a revocation reach back as far', async () => {
    expect(await check(makeToken(key, { ...claims, iat: NOW_S, exp: NOW_S + 600 }))).toMatchObject({
      issuedAtMs: (NOW_S - 60) * 1000,
      expiresAtMs: (NOW_S + 660) * 1000,
    });
  });
});

describe('the audience of an outside token', () => {
  const by = (audienceClaims: string[]) =>
    outsideTokenRules(
      outsideIssuer({ issuer: 'https://idp', audienceClaims, audiences: ['game', 'mobile'] }),
    );
  const withClaims = (more: Part) => makeToken(key, { ...claims, aud: undefined, ...more });

  test('is in `aud`, alone or in a list, unless the settings say otherwise', async () => {
    for (const aud of ['game', 'mobile', ['other', 'mobile']]) {
      expect(await ruleFailed(withClaims({ aud }), by(['aud']))).toBe('accepted');
    }
    for (const more of [{}, { aud: 'gam' }, { aud: [] }, { aud: [['game']] }, { aud: { game: 1 } }]) {
      expect(await ruleFailed(withClaims(more), by(['aud']))).toBe('audience');
    }
    for (const more of [{ client_id: 'game' }, { azp: 'game' }, { aud: 'account', azp: 'game' }]) {
      expect(await ruleFailed(withClaims(more), by(['aud']))).toBe('audience');
    }
  });

  test('is in `client_id` or `azp` when they say so, and then not in `aud`', async () => {
    expect(await ruleFailed(withClaims({ client_id: 'game' }), by(['client_id']))).toBe('accepted');
    expect(await ruleFailed(withClaims({ aud: 'account', azp: 'mobile' }), by(['azp']))).toBe('accepted');
    expect(await ruleFailed(withClaims({ aud: 'game', azp: 'other' }), by(['azp']))).toBe('audience');
    expect(await ruleFailed(withClaims({ azp: 'game' }), by(['client_id', 'azp']))).toBe('accepted');
  });

  test('is told to the operator with what is required', async () => {
    const refusal = await check(withClaims({ aud: 'account' }), by(['aud'])).catch((error) => error);
    expect(refusal.token).toEqual({
      issuer: 'https://idp',
      algorithm: 'ES256',
      keyId: 'k1',
      detail: 'aud: ["account"], required: ["game","mobile"]',
    });
  });
});

describe('a claim that an issuer must set', () => {
  const rules = outsideTokenRules(
    outsideIssuer({
      issuer: 'https://idp',
      requiredClaims: { token_use: ['access', 'id'], verified: [true] },
    }),
  );
  test.each([
    [{ token_use: 'access', verified: true }, 'accepted'],
    [{ token_use: 'id', verified: true }, 'accepted'],
    [{ token_use: 'refresh', verified: true }, 'required_claim'],
    [{ token_use: 'access', verified: 'true' }, 'required_claim'],
    [{ verified: true }, 'required_claim'],
  ])('%j: %s', async (more, outcome) => {
    expect(await ruleFailed(makeToken(key, { ...claims, ...more }), rules)).toBe(outcome);
  });
});
