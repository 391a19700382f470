import fc from 'fast-check';
import { createLocalJWKSet, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import {
  checkToken,
  MAX_TOKEN_LENGTH,
  parseToken,
} from '../../../../../services/shared/tokens/rules/token-check.ts';
import { ownTokenRules, type TokenRules } from '../../../../../services/shared/tokens/rules/token-policy.ts';
import { TokenRefusal } from '../../../../../services/shared/tokens/rules/token-refusal.ts';
import {
  CLAIMS,
  encode,
  HEADER,
  keySetJson,
  makeHmacToken,
  makeKey,
  makeToken,
  NOW_MS,
  NOW_S,
  POLICY,
  signParts,
  type TestKey,
} from '../../../auth/token-fixtures.ts';

const key = makeKey('k1');
const stranger = makeKey('k1');
const rsa = makeKey('r1', 'rsa');
const ed = makeKey('e1', 'ed25519');
const OWN = ownTokenRules(POLICY);

function check(token: string, rules: TokenRules = OWN, keys: TestKey[] = [key, rsa, ed]) {
  const resolve = createLocalJWKSet(JSON.parse(keySetJson(...keys)) as JSONWebKeySet);
  const findKey = (header: JWSHeaderParameters) => resolve(header).catch(() => undefined);
  return (async () => checkToken(parseToken(token), rules, findKey, NOW_MS))();
}

/** All that a refusal says to its caller: it must be the same whatever was wrong. */
async function refusal(token: string, rules?: TokenRules) {
  try {
    await check(token, rules);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof AppError)) return String(error);
    return [error.kind, error.reason, error.message, error.retryAfterMs, error.cause].join(' | ');
  }
}
const UNIFORM =
  'unauthenticated | TOKEN_INVALID | The token is not valid here: forged, expired or of another kind. | 0 | ';

const without = (name: string) => {
  const { [name]: _, ...rest } = CLAIMS;
  return signParts(encode(HEADER), encode(rest), key);
};
const good = makeToken(key);
const [h = '', p = '', s = ''] = good.split('.');
const flipFirst = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

const MUTANTS: Record<string, string> = {
  'the empty string': '',
  'one word': 'token',
  'algorithm none and no signature': `${encode({ ...HEADER, alg: 'none' })}.${p}.`,
  'algorithm none and the old signature': `${encode({ ...HEADER, alg: 'none' })}.${p}.${s}`,
  'algorithm NONE in capitals': `${encode({ ...HEADER, alg: 'NONE' })}.${p}.${s}`,
  'HS256 with the public key in PEM as secret': makeHmacToken(key.publicPem, { alg: 'HS256' }),
  'HS256 with the public key in JWK as secret': makeHmacToken(JSON.stringify(key.publicJwk), {
    alg: 'HS256',
  }),
  'HS256 with an empty secret': makeHmacToken('', { alg: 'HS256' }),
  'ES256 in the header over an HMAC': makeHmacToken(key.publicPem, {}),
  'RS256 by a key of the set': makeToken(rsa, {}, { alg: 'RS256' }),
  'EdDSA by a key of the set': makeToken(ed, {}, { alg: 'EdDSA' }),
  'ES384 in the header': makeToken(key, {}, { alg: 'ES384' }),
  'no algorithm': makeToken(key, {}, { alg: undefined }),
  'a list of algorithms': makeToken(key, {}, { alg: ['ES256'] }),
  'the signature of another key under our key id': makeToken(stranger),
  'an unknown key id': makeToken(key, {}, { kid: 'k9' }),
  'no key id': makeToken(key, {}, { kid: undefined }),
  'a number as key id': makeToken(key, {}, { kid: 1 }),
  'an empty key id': makeToken(key, {}, { kid: '' }),
  'another type': makeToken(key, {}, { typ: 'JWT' }),
  'the type of a refresh token': makeToken(key, {}, { typ: 'rt+jwt' }),
  'another spelling of the type': makeToken(key, {}, { typ: 'application/at+jwt' }),
  'the type in capitals': makeToken(key, {}, { typ: 'AT+JWT' }),
  'no type': makeToken(key, {}, { typ: undefined }),
  'its own key in the header': makeToken(stranger, {}, { jwk: stranger.publicJwk }),
  'our key in the header': makeToken(key, {}, { jwk: key.publicJwk }),
  'the address of a key set': makeToken(key, {}, { jku: 'https://evil.example/jwks.json' }),
  'the address of a certificate': makeToken(key, {}, { x5u: 'https://evil.example/cert.pem' }),
  'a certificate chain': makeToken(key, {}, { x5c: ['MIIB'] }),
  'a critical extension': makeToken(key, {}, { crit: ['exp'], exp: 1 }),
  'a critical b64': makeToken(key, {}, { crit: ['b64'], b64: false }),
  'an empty list of critical extensions': makeToken(key, {}, { crit: [] }),
  'a header that we never write': makeToken(key, {}, { cty: 'JWT' }),
  'no expiry': without('exp'),
  'an expiry long past': makeToken(key, { iat: NOW_S - 1200, exp: NOW_S - 600 }),
  'an expiry as text': makeToken(key, { exp: String(NOW_S + 600) }),
  'an expiry of null': makeToken(key, { exp: null }),
  'no time of issue': without('iat'),
  'a time of issue in the future': makeToken(key, { iat: NOW_S + 60 }),
  'a time of issue too long ago': makeToken(key, { iat: NOW_S - 7200, exp: NOW_S + 600 }),
  'a time of issue as text': makeToken(key, { iat: String(NOW_S) }),
  'a beginning in the future': makeToken(key, { nbf: NOW_S + 60 }),
  'no subject': without('sub'),
  'an empty subject': makeToken(key, { sub: '' }),
  'a subject with a space': makeToken(key, { sub: 'al ice' }),
  'a subject with a line feed': makeToken(key, { sub: 'alice\nx' }),
  'a subject of 129 characters': makeToken(key, { sub: 'a'.repeat(129) }),
  'a number as subject': makeToken(key, { sub: 7 }),
  'no token id': without('jti'),
  'an empty token id': makeToken(key, { jti: '' }),
  'a number as token id': makeToken(key, { jti: 7 }),
  'no name': without('name'),
  'a name with a direction mark': makeToken(key, { name: 'Ali\u202ece' }),
  'a name of 33 characters': makeToken(key, { name: 'a'.repeat(33) }),
  'another issuer': makeToken(key, { iss: 'someone' }),
  'no issuer': without('iss'),
  'a list as issuer': makeToken(key, { iss: ['scoreboard'] }),
  'another audience': makeToken(key, { aud: 'refresh' }),
  'no audience': without('aud'),
  'an empty list as audience': makeToken(key, { aud: [] }),
  'another payload under the signature': `${h}.${encode({ ...CLAIMS, sub: 'bob' })}.${s}`,
  'a changed signature': `${h}.${p}.${flipFirst(s)}`,
  'a cut signature': `${h}.${p}.${s.slice(0, -2)}`,
  'no signature': `${h}.${p}.`,
  'no signature and no dot': `${h}.${p}`,
  'a fourth part': `${good}.${s}`,
  'five parts, like an encrypted token': `${h}.${h}.${p}.${p}.${s}`,
  'a dot at the end': `${good}.`,
  'a dot in front': `.${good}`,
  'a space in front': ` ${good}`,
  'a line feed at the end': `${good}\n`,
  'a space in the middle': `${h}. ${p}.${s}`,
  padding: `${good}==`,
  'the other base64 alphabet': `${h}.${p}.+/${s.slice(2)}`,
  'stray bits in the last character': `${h}.${p}.${s.slice(0, -1)}${s.endsWith('B') ? 'C' : 'B'}`,
  'bytes of nul': `${good}\0`,
  'characters beyond ASCII': `${good}\u00e9`,
  'a header that is not JSON': signParts(Buffer.from('{alg').toString('base64url'), p, key),
  'a header that is a list': signParts(encode([HEADER]), p, key),
  'a header of null': signParts(encode(null), p, key),
  'a payload that is not JSON': signParts(h, Buffer.from('alice').toString('base64url'), key),
  'a payload that is a list': signParts(h, encode([CLAIMS]), key),
  'the word Bearer in front': `Bearer ${good}`,
};

describe('a token of ours', () => {
  test('names the player, the token and when it ends', async () => {
    expect(await check(good)).toEqual({
      userId: 'alice',
      username: 'Alice',
      tokenId: 'token-1',
      issuer: 'scoreboard',
      keyId: 'k1',
      issuedAtMs: NOW_MS,
      expiresAtMs: NOW_MS + 600_000,
    });
  });

  test.each(Object.entries(MUTANTS))(
    'is refused with %s, in the same words as any other',
    async (_, token) => {
      expect(await refusal(token)).toBe(UNIFORM);
    },
  );

  test('of another form is refused before any key is looked for', async () => {
    const lookups: unknown[] = [];
    const findKey = async (header: object) => {
      lookups.push(header);
      return undefined;
    };
    for (const header of [
      { alg: 'HS256' },
      { alg: 'none' },
      { typ: 'JWT' },
      { jku: 'https://evil.example' },
    ]) {
      const parsed = parseToken(makeToken(key, {}, header));
      await expect(checkToken(parsed, OWN, findKey, NOW_MS)).rejects.toThrow(AppError);
    }
    expect(lookups).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['two parts', `${h}.${p}`],
    ['four parts', `${h}.${p}.${s}.${s}`],
    ['a header that is no JSON', `${Buffer.from('{').toString('base64url')}.${p}.${s}`],
    ['a header that is a number', `${encode(5)}.${p}.${s}`],
    ['a header that is a list', `${encode([HEADER])}.${p}.${s}`],
    ['a header of null', `${encode(null)}.${p}.${s}`],
    ['a padded header', `${h}=.${p}.${s}`],
    ['a payload that is text', `${h}.${encode('alice')}.${s}`],
    ['a padded payload', `${h}.${p}=.${s}`],
    ['a padded signature', `${h}.${p}.${s}=`],
  ])('is refused for its form, before anything in it is believed, with %s', (_, token) => {
    expect(() => parseToken(token)).toThrow(expect.objectContaining({ reason: 'TOKEN_INVALID' }));
  });

  test('may be as long as the longest, and no longer', () => {
    // Base64 has no text of one more than a multiple of four; with one of these two payloads the rest comes out right.
    const ofLength = (length: number) => {
      const tokens = [CLAIMS, { ...CLAIMS, more: '' }].map((claims) => {
        const head = `${h}.${encode(claims)}.`;
        return head + 'A'.repeat(length - head.length);
      });
      return tokens.find((token) => (token.split('.')[2]?.length ?? 0) % 4 !== 1) ?? '';
    };
    expect(parseToken(ofLength(MAX_TOKEN_LENGTH)).claimedIssuer).toBe('scoreboard');
    expect(MAX_TOKEN_LENGTH).toBe(8_192);
    expect(() => parseToken(ofLength(MAX_TOKEN_LENGTH + 1))).toThrow(
      expect.objectContaining({ reason: 'TOKEN_TOO_LARGE', rule: 'size' }),
    );
  });

  test.each([
    ['form', 'token'],
    ['header', makeToken(key, {}, { jku: 'https://evil.example' })],
    ['header', makeToken(key, {}, { cty: 'JWT' })],
    ['algorithm', makeToken(rsa, {}, { alg: 'RS256' })],
    ['type', makeToken(key, {}, { typ: 'JWT' })],
    ['key', makeToken(key, {}, { kid: 'k9' })],
    ['signature', makeToken(stranger)],
    ['issuer', makeToken(key, { iss: 'someone' })],
    ['audience', makeToken(key, { aud: 'refresh' })],
    ['audience', without('aud')],
    ['expired', makeToken(key, { iat: NOW_S - 1200, exp: NOW_S - 600 })],
    ['too_old', makeToken(key, { iat: NOW_S - 7200, exp: NOW_S + 600 })],
    ['not_yet_valid', makeToken(key, { iat: NOW_S + 60 })],
    ['not_yet_valid', makeToken(key, { nbf: NOW_S + 60 })],
    ['claim_missing', without('exp')],
    ['claim_invalid', makeToken(key, { exp: 'tomorrow' })],
    ['subject', makeToken(key, { sub: 'al ice' })],
  ])(
    'that fails the rule %s names it to the operator, without the token or its player',
    async (rule, token) => {
      const refused = await check(token).catch((error: unknown) => error);
      if (!(refused instanceof TokenRefusal)) throw refused;
      expect(refused.rule).toBe(rule);
      const told = JSON.stringify(refused.token);
      for (const secret of [token, 'alice', 'al ice', 'Alice']) expect(told).not.toContain(secret);
    },
  );

  test('has to carry what the rules ask for, and an end whatever they ask for', async () => {
    const rules = (...requiredClaims: string[]) => ({ ...OWN, requiredClaims });
    expect(await refusal(good, rules('exp', 'name'))).toBe('accepted');
    expect(await refusal(good, rules('exp', 'session'))).toBe(UNIFORM);
    expect(await refusal(without('exp'), rules())).toBe(UNIFORM);
  });

  test('is not called invalid for a fault of ours', async () => {
    const rules = {
      ...OWN,
      get maxAgeS(): number {
        throw new RangeError('a bug');
      },
    };
    await expect(check(good, rules)).rejects.toThrow(new RangeError('a bug'));
  });

  test('may be a few seconds off, as clocks are', async () => {
    expect(await refusal(makeToken(key, { iat: NOW_S + 4 }))).toBe('accepted');
    expect(await refusal(makeToken(key, { iat: NOW_S - 600, exp: NOW_S - 4 }))).toBe('accepted');
    expect(await refusal(makeToken(key, { iat: NOW_S + 6 }))).toBe(UNIFORM);
    expect(await refusal(makeToken(key, { iat: NOW_S - 600, exp: NOW_S - 6 }))).toBe(UNIFORM);
  });

  test('is never believed for longer than the longest life of a token', async () => {
    const { expiresAtMs } = await check(makeToken(key, { exp: 1e300 }));
    expect(expiresAtMs).toBe((NOW_S + OWN.maxAgeS) * 1000);
  });

  test('is refused when any single character is changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: good.length - 1 }),
        fc.constantFrom(...'ABYZabyz0189-_.=+/ '),
        async (at, character) => {
          const changed = good.slice(0, at) + character + good.slice(at + 1);
          return changed === good || (await refusal(changed)) === UNIFORM;
        },
      ),
    );
  });

  test('of any text never makes the verifier fail in another way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => (await refusal(text)) === UNIFORM),
    );
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), async (header, payload) => {
        const parts = [header, payload].map((part) => Buffer.from(part).toString('base64url'));
        return (await refusal(signParts(parts[0] ?? '', parts[1] ?? '', key))) === UNIFORM;
      }),
    );
  });
});
