/** A token key, and the means to make tokens that are right or wrong in one respect. */
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import {
  MAX_OUTSIDE_TOKEN_AGE_S,
  OUTSIDE_ALGORITHMS,
  type OutsideIssuer,
} from '../../../services/shared/tokens/rules/outside-issuers.ts';

export const NOW_MS = 1_800_000_000_000;
export const NOW_S = NOW_MS / 1000;
export const POLICY = { issuer: 'scoreboard', audience: 'scoreboard', outside: [] };

export type Part = Record<string, unknown>;

export const HEADER: Part = { alg: 'ES256', kid: 'k1', typ: 'at+jwt' };
export const CLAIMS: Part = {
  iss: 'scoreboard',
  aud: 'scoreboard',
  sub: 'alice',
  iat: NOW_S,
  exp: NOW_S + 600,
  jti: 'token-1',
  name: 'Alice',
};

export const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

export interface TestKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Part;
  readonly publicPem: string;
}

export type KeyType = 'ec' | 'ec384' | 'ec521' | 'rsa' | 'ed25519';

const CURVES = { ec: 'P-256', ec384: 'P-384', ec521: 'P-521' };

function generatePair(type: KeyType, modulusLength: number) {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength });
  if (type === 'ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: CURVES[type] });
}

export function makeKey(kid: string, type: KeyType = 'ec', modulusLength = 2048): TestKey {
  const pair = generatePair(type, modulusLength);
  const privateKey = createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const publicKey = createPublicKey(privateKey);
  return {
    kid,
    privateKey,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
}

/** Signs whatever stands in the two parts, the way the key's type does; `algorithm` chooses among those of an RSA or EC key. */
export function signParts(
  header: string,
  payload: string,
  { privateKey }: TestKey,
  algorithm: unknown = undefined,
): string {
  const input = Buffer.from(`${header}.${payload}`);
  const [, kind = '', bits = '256'] = /^(PS|RS|ES)(256|384|512)$/.exec(String(algorithm)) ?? [];
  const isEd = privateKey.asymmetricKeyType === 'ed25519';
  const isPss = kind === 'PS' && privateKey.asymmetricKeyType === 'rsa';
  const signature = sign(isEd ? null : `sha${bits}`, input, {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(isPss && {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
  });
  return `${header}.${payload}.${signature.toString('base64url')}`;
}

export function makeToken(key: TestKey, claims: Part = {}, header: Part = {}): string {
  const head: Part = { ...HEADER, kid: key.kid, ...header };
  return signParts(encode(head), encode({ ...CLAIMS, ...claims }), key, head.alg);
}

/** An outside issuer with the rules that an entry has if it names none. */
export function outsideIssuer(fields: Partial<OutsideIssuer> = {}): OutsideIssuer {
  return {
    issuer: 'https://idp.example',
    jwksUrl: 'https://idp.example/keys',
    audiences: ['game'],
    audienceClaims: ['aud'],
    algorithms: OUTSIDE_ALGORITHMS,
    requiredClaims: {},
    nameClaims: ['name', 'preferred_username', 'nickname'],
    maxAgeS: MAX_OUTSIDE_TOKEN_AGE_S,
    subjects: 'derived',
    ...fields,
  };
}

/** A token whose MAC was made with text that anyone can read. */
export function makeHmacToken(secret: string, header: Part): string {
  const input = `${encode({ ...HEADER, ...header })}.${encode(CLAIMS)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const keySetJson = (...keys: TestKey[]): string =>
  JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) });
