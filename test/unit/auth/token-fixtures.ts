/** A token key, and the means to make tokens that are right or wrong in one respect. */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';

export const NOW_MS = 1_800_000_000_000;
export const NOW_S = NOW_MS / 1000;
export const POLICY = { issuer: 'scoreboard', audience: 'scoreboard' };

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

export function makeKey(kid: string, type: 'ec' | 'rsa' | 'ed25519' = 'ec', modulusLength = 2048): TestKey {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength })
        : generateKeyPairSync('ed25519');
  const privateKey = createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const publicKey = createPublicKey(privateKey);
  return {
    kid,
    privateKey,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
}

/** Signs whatever stands in the two parts, the way the key's type does. */
export function signParts(header: string, payload: string, { privateKey }: TestKey): string {
  const input = Buffer.from(`${header}.${payload}`);
  const type = privateKey.asymmetricKeyType;
  const signature = sign(type === 'ed25519' ? null : 'sha256', input, {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${header}.${payload}.${signature.toString('base64url')}`;
}

export function makeToken(key: TestKey, claims: Part = {}, header: Part = {}): string {
  return signParts(encode({ ...HEADER, kid: key.kid, ...header }), encode({ ...CLAIMS, ...claims }), key);
}

/** A token whose MAC was made with text that anyone can read. */
export function makeHmacToken(secret: string, header: Part): string {
  const input = `${encode({ ...HEADER, ...header })}.${encode(CLAIMS)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const keySetJson = (...keys: TestKey[]): string =>
  JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) });
