/** Settings of keys, certificates and tokens. */
import { INTERNAL, PUBLIC, type Setting, UNITS } from './setting.ts';

const CALLERS = ['score', ...PUBLIC, 'cli', 'simulate'] as const;

export const IDENTITY_SETTINGS = {
  TLS_CERT_FILE: {
    of: [...UNITS, 'cli', 'simulate'],
    otherwise: 'made by `npm start` in production mode',
    meaning: 'the certificate of a service, PEM; the three TLS settings belong together',
  },
  TLS_KEY_FILE: {
    of: [...UNITS, 'cli', 'simulate'],
    otherwise: 'made by `npm start` in production mode',
    meaning: 'the key of the certificate, PEM',
  },
  TLS_CA_FILE: {
    of: [...UNITS, 'cli', 'simulate'],
    otherwise: 'made by `npm start` in production mode',
    meaning: 'the certificate authorities that a service trusts, PEM',
  },
  SERVICE_KEY: {
    of: CALLERS,
    secret: true,
    otherwise: 'made by `npm start`',
    meaning: 'the key with which a service identifies itself without certificates',
  },
  SERVICE_DIGESTS_FILE: {
    of: INTERNAL,
    otherwise: 'made by `npm start`',
    meaning: 'a file with the SHA-256 of the key of each service',
  },
  AUDIT_KEY: {
    of: ['score', 'cli'],
    secret: true,
    otherwise: 'made by `npm start`',
    meaning: 'the key that seals and verifies the audit chain; the same in all score services',
  },
  AUDIT_NEW_KEY_AFTER: {
    of: ['npm start', 'score'],
    otherwise: 'none',
    meaning: 'the head of a chain whose key is lost; a new key continues after it',
  },
  AUTH_KEYS_DIR: {
    of: ['auth', 'cli'],
    otherwise: '`DATA_DIR`/auth-keys',
    meaning: 'the folder of the signing keys',
  },
  TOKEN_ISSUER: {
    of: ['auth', ...PUBLIC],
    default: 'scoreboard',
    meaning: 'the issuer of our own tokens',
  },
  TOKEN_AUDIENCE: {
    of: ['auth', ...PUBLIC],
    default: 'scoreboard',
    meaning: 'the audience of our own tokens',
  },
  TOKEN_LIFETIME_S: {
    of: ['auth'],
    default: '600',
    meaning: 'the lifetime of an access token, at most 3600',
  },
  ACTION_LIFETIME_S: {
    of: ['auth'],
    default: '900',
    meaning: 'the lifetime of the signature of an action',
  },
  ALLOW_V0_SIGNATURES: {
    of: ['auth'],
    default: 'false',
    meaning: 'accept the literal `HMAC(actionId + points)`, which can be forged by shifting digits',
  },
  NAMES_DENIED_FILE: {
    of: ['auth', 'score'],
    otherwise: 'none',
    meaning: 'a file with names that players may not have; read at the start',
  },
  IDP_FILE: {
    of: ['auth', ...PUBLIC],
    otherwise: 'none',
    meaning: 'a JSON file with the identity providers whose tokens are accepted too; read at the start',
  },
  IDP_JWKS_URL: {
    of: ['auth', ...PUBLIC],
    otherwise: 'none',
    meaning: 'for one provider without a file: the address of its keys',
  },
  IDP_ISSUER: {
    of: ['auth', ...PUBLIC],
    otherwise: 'none',
    meaning: 'for one provider without a file: the issuer of its tokens',
  },
  IDP_AUDIENCE: {
    of: ['auth', ...PUBLIC],
    otherwise: 'none',
    meaning: 'for one provider without a file: the audience of its tokens',
  },
  IDP_SUBJECTS: {
    of: ['auth', ...PUBLIC],
    default: 'derived',
    meaning:
      'for one provider without a file: `derived` hides its subjects, `raw` uses them as public user ids',
  },
} as const satisfies Readonly<Record<string, Setting>>;
