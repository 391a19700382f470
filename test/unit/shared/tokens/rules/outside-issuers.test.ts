import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { OUTSIDE_ALGORITHMS } from '../../../../../services/shared/tokens/rules/outside-issuers.ts';
import { parseTokenPolicy } from '../../../../../services/shared/tokens/rules/token-policy.ts';

const dir = mkdtempSync(join(tmpdir(), 'scoreboard-idp-'));
afterAll(() => rmSync(dir, { recursive: true }));

const ONE = { IDP_JWKS_URL: 'https://idp/jwks', IDP_ISSUER: 'https://idp', IDP_AUDIENCE: 'game' };
const ENTRY = { issuer: 'https://other', jwksUrl: 'https://other/jwks', audiences: ['game'] };

function inFile(content: unknown): { IDP_FILE: string } {
  const path = join(dir, 'idp.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return { IDP_FILE: path };
}

describe('outside issuers', () => {
  test('are none by default', () => {
    expect(parseTokenPolicy({})).toEqual({ issuer: 'scoreboard', audience: 'scoreboard', outside: [] });
  });

  test('are one by three settings, with rules that fit most providers', () => {
    expect(parseTokenPolicy(ONE).outside).toEqual([
      {
        jwksUrl: 'https://idp/jwks',
        issuer: 'https://idp',
        audiences: ['game'],
        audienceClaims: ['aud'],
        algorithms: OUTSIDE_ALGORITHMS,
        requiredClaims: {},
        nameClaims: ['name', 'preferred_username', 'nickname'],
        maxAgeS: 86_400,
        subjects: 'derived',
      },
    ]);
  });

  test('are any number by a file, each with rules of its own, beside the one by settings', () => {
    const cognito = {
      ...ENTRY,
      audienceClaims: ['client_id'],
      algorithms: ['RS256'],
      requiredClaims: { token_use: 'access', groups: ['a', 'b'] },
      nameClaims: ['cognito:username'],
      maxAgeS: 3_600,
      subjects: 'raw',
    };
    const { outside } = parseTokenPolicy({ ...ONE, ...inFile([cognito, { ...ENTRY, issuer: 'third' }]) });
    expect(outside.map(({ issuer }) => issuer)).toEqual(['https://idp', 'https://other', 'third']);
    expect(outside[1]).toEqual({ ...cognito, requiredClaims: { token_use: ['access'], groups: ['a', 'b'] } });
  });

  test.each(Object.keys(ONE))('are refused without %s', (name) => {
    expect(() => parseTokenPolicy({ ...ONE, [name]: '' })).toThrow('must be set together');
  });

  test('have derived user ids unless the settings ask for the subjects themselves', () => {
    const subjects = (more: object) => parseTokenPolicy({ ...ONE, ...more }).outside[0]?.subjects;
    expect(subjects({})).toBe('derived');
    expect(subjects({ IDP_SUBJECTS: 'raw' })).toBe('raw');
    expect(() => subjects({ IDP_SUBJECTS: 'Raw' })).toThrow('IDP_SUBJECTS');
  });

  test('have a name each, which is not ours', () => {
    expect(() => parseTokenPolicy({ ...ONE, IDP_ISSUER: 'scoreboard' })).toThrow('must differ');
    expect(() => parseTokenPolicy(inFile([{ ...ENTRY, issuer: 'scoreboard' }]))).toThrow('must differ');
    expect(() => parseTokenPolicy(inFile([ENTRY, ENTRY]))).toThrow('"https://other" is configured twice');
    expect(() => parseTokenPolicy({ ...ONE, ...inFile([{ ...ENTRY, issuer: 'https://idp' }]) })).toThrow(
      'twice',
    );
  });

  test.each(['file:///etc/passwd', 'idp/jwks', 'ftp://idp'])(
    'publish their keys by http, not at %s',
    (url) => {
      expect(() => parseTokenPolicy({ ...ONE, IDP_JWKS_URL: url })).toThrow('IDP_JWKS_URL must be an http');
      expect(() => parseTokenPolicy(inFile([{ ...ENTRY, jwksUrl: url }]))).toThrow(
        'entry 1: "jwksUrl" must be an http',
      );
    },
  );

  test.each([
    ['{', 'IDP_FILE: '],
    [{}, 'a JSON list of at most 100 issuers'],
    [Array(101).fill(ENTRY), 'at most 100 issuers'],
    [['https://idp'], 'entry 1 must be an object'],
    [[{ ...ENTRY, issuer: undefined }], 'entry 1 needs "issuer"'],
    [[{ ...ENTRY, audiences: [] }], 'entry 1 needs "audiences"'],
    [[{ ...ENTRY, audiences: 'game' }], 'entry 1 needs "audiences"'],
    [[{ ...ENTRY, audienceClaims: ['scope'] }], 'has "scope" in "audienceClaims": use aud, client_id, azp'],
    [[{ ...ENTRY, algorithms: ['HS256'] }], 'has "HS256" in "algorithms"'],
    [[{ ...ENTRY, requiredClaims: ['x'] }], '"requiredClaims" that is not an object'],
    [[{ ...ENTRY, requiredClaims: { x: [] } }], 'requires no value of the claim "x"'],
    [[{ ...ENTRY, requiredClaims: { x: null } }], 'requires no value of the claim "x"'],
    [[{ ...ENTRY, nameClaims: [7] }], 'needs "nameClaims"'],
    [[{ ...ENTRY, maxAgeS: 86_401 }], '"maxAgeS"'],
    [[{ ...ENTRY, maxAgeS: 0.5 }], '"maxAgeS"'],
    [[{ ...ENTRY, subjects: 'hashed' }], '"subjects" that is not derived or raw'],
    [[ENTRY, { ...ENTRY, audience: 'game' }], 'entry 2 has an unknown field "audience"'],
  ])('in a file that holds %j stop the start', (content, words) => {
    expect(() => parseTokenPolicy(inFile(content))).toThrow(words);
  });

  test('in a file that is not there stop the start', () => {
    expect(() => parseTokenPolicy({ IDP_FILE: join(dir, 'missing.json') })).toThrow('IDP_FILE: ENOENT');
  });
});
