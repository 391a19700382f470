/** Tokens in the exact shapes of well-known identity providers, with the entry of IDP_FILE that accepts each. */
import { makeKey, makeToken, type Part, type TestKey } from './token-fixtures.ts';

export interface Provider {
  readonly name: string;
  readonly key: TestKey;
  /** The entry without `jwksUrl`. */
  readonly entry: Part & { readonly issuer: string };
  readonly header: Part;
  readonly claims: (nowS: number) => Part;
  /** Undefined when the provider tells no name that may be shown. */
  readonly shown: string | undefined;
  /** What must never leave the border: subject, addresses, account numbers. */
  readonly secrets: readonly string[];
  /** Claims of another kind of token by the same keys, which must be refused, and the rule that it fails. */
  readonly other: readonly [Part, string];
}

const rsa = makeKey('rs-1', 'rsa');
const GUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const APP = '6731de76-14a6-49ae-97bc-6eba6914391e';
const hour = (nowS: number): Part => ({ iat: nowS, exp: nowS + 3_600 });

export const PROVIDERS: readonly Provider[] = [
  {
    name: 'Auth0',
    key: rsa,
    entry: { issuer: 'https://example.eu.auth0.com/', audiences: ['https://play.example/api'] },
    header: { alg: 'RS256', typ: 'JWT' },
    claims: (nowS) => ({
      iss: 'https://example.eu.auth0.com/',
      sub: 'auth0|65f1c0ffee65f1c0ffee65f1',
      aud: ['https://play.example/api', 'https://example.eu.auth0.com/userinfo'],
      ...hour(nowS),
      azp: 'Zx81',
      scope: 'openid profile email',
      name: 'kim@example.com',
      nickname: 'kim',
      email: 'kim@example.com',
    }),
    shown: 'kim',
    secrets: ['auth0|', '65f1c0ffee', 'kim@example.com'],
    other: [{ aud: 'https://example.eu.auth0.com/userinfo' }, 'audience'],
  },
  {
    name: 'Cognito, access token',
    key: rsa,
    entry: {
      issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_access',
      audiences: ['4h57kexample'],
      audienceClaims: ['client_id'],
      requiredClaims: { token_use: 'access' },
      nameClaims: ['username'],
    },
    header: { alg: 'RS256' },
    claims: (nowS) => ({
      sub: GUID,
      iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_access',
      client_id: '4h57kexample',
      origin_jti: GUID,
      event_id: GUID,
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin',
      auth_time: nowS,
      ...hour(nowS),
      jti: GUID,
      username: GUID,
    }),
    shown: undefined,
    secrets: [GUID],
    other: [{ token_use: 'id' }, 'required_claim'],
  },
  {
    name: 'Cognito, ID token',
    key: rsa,
    entry: {
      issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_id',
      audiences: ['4h57kexample'],
      requiredClaims: { token_use: 'id' },
      nameClaims: ['preferred_username', 'cognito:username'],
    },
    header: { alg: 'RS256' },
    claims: (nowS) => ({
      sub: GUID,
      'cognito:groups': ['players'],
      email_verified: true,
      iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_id',
      'cognito:username': 'kim_1990',
      aud: '4h57kexample',
      token_use: 'id',
      auth_time: nowS,
      ...hour(nowS),
      email: 'kim@example.com',
    }),
    shown: 'kim_1990',
    secrets: [GUID, 'kim@example.com'],
    other: [{ token_use: 'access' }, 'required_claim'],
  },
  {
    name: 'Keycloak',
    key: makeKey('kc-1', 'ec384'),
    entry: {
      issuer: 'https://id.example/realms/play',
      audiences: ['game'],
      audienceClaims: ['azp'],
      requiredClaims: { typ: 'Bearer' },
    },
    header: { alg: 'ES384', typ: 'JWT' },
    claims: (nowS) => ({
      iat: nowS,
      exp: nowS + 300,
      auth_time: nowS - 9,
      jti: `onrtac:${GUID}`,
      iss: 'https://id.example/realms/play',
      aud: 'account',
      sub: GUID,
      typ: 'Bearer',
      azp: 'game',
      sid: GUID,
      'allowed-origins': ['https://play.example'],
      realm_access: { roles: ['offline_access'] },
      scope: 'openid profile email',
      preferred_username: 'kimmy',
      email: 'kim@example.com',
    }),
    shown: 'kimmy',
    secrets: [GUID, 'kim@example.com'],
    other: [{ typ: 'Refresh' }, 'required_claim'],
  },
  {
    name: 'Firebase',
    key: rsa,
    entry: { issuer: 'https://securetoken.google.com/play-1', audiences: ['play-1'] },
    header: { alg: 'RS256', typ: 'JWT' },
    claims: (nowS) => ({
      name: 'Kim P.',
      picture: 'https://lh3.example/a/x',
      iss: 'https://securetoken.google.com/play-1',
      aud: 'play-1',
      auth_time: nowS,
      user_id: 'Zk3vJ8qWm1Xo0aB2cD4eF6gH8iJ0',
      sub: 'Zk3vJ8qWm1Xo0aB2cD4eF6gH8iJ0',
      ...hour(nowS),
      email: 'kim@example.com',
      firebase: { identities: { email: ['kim@example.com'] }, sign_in_provider: 'google.com' },
    }),
    shown: 'Kim P.',
    secrets: ['Zk3vJ8qWm1', 'kim@example.com'],
    other: [{ aud: 'play-2' }, 'audience'],
  },
  {
    name: 'Entra ID, v1.0',
    key: rsa,
    entry: {
      issuer: `https://sts.windows.net/${APP}/`,
      audiences: ['api://play'],
      requiredClaims: { ver: '1.0' },
    },
    header: { alg: 'RS256', typ: 'JWT', x5t: 'nOo3ZDrODXEK1jKWhXslHR_KXEg' },
    claims: (nowS) => ({
      aud: 'api://play',
      iss: `https://sts.windows.net/${APP}/`,
      ...hour(nowS),
      nbf: nowS,
      appid: APP,
      appidacr: '0',
      oid: GUID,
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      tid: APP,
      unique_name: 'kim@example.com',
      upn: 'kim@example.com',
      name: 'Kim Park',
      ver: '1.0',
    }),
    shown: 'Kim Park',
    secrets: [GUID, 'IkzqFVrSaSaFHy782bbtaQ', 'kim@example.com'],
    other: [{ ver: '2.0' }, 'required_claim'],
  },
  {
    name: 'Entra ID, v2.0',
    key: rsa,
    entry: {
      issuer: `https://login.microsoftonline.com/${APP}/v2.0`,
      audiences: [APP],
      nameClaims: ['preferred_username'],
    },
    header: { alg: 'RS256', typ: 'JWT' },
    claims: (nowS) => ({
      aud: APP,
      iss: `https://login.microsoftonline.com/${APP}/v2.0`,
      ...hour(nowS),
      nbf: nowS,
      azp: APP,
      name: 'Kim Park',
      oid: GUID,
      preferred_username: 'kim@example.com',
      sub: 'bbtaQAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782',
      tid: APP,
      ver: '2.0',
    }),
    shown: undefined,
    secrets: [GUID, 'IkzqFVrSaSaFHy782', 'kim@example.com'],
    other: [{ aud: 'api://play' }, 'audience'],
  },
  {
    name: 'Supabase',
    key: makeKey('sb-1', 'ec'),
    entry: {
      issuer: 'https://abc.supabase.co/auth/v1',
      audiences: ['authenticated'],
      requiredClaims: { role: 'authenticated' },
      nameClaims: ['user_metadata.full_name', 'user_metadata.name'],
    },
    header: { alg: 'ES256', typ: 'JWT' },
    claims: (nowS) => ({
      iss: 'https://abc.supabase.co/auth/v1',
      sub: GUID,
      aud: 'authenticated',
      ...hour(nowS),
      email: 'kim@example.com',
      phone: '',
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: { email: 'kim@example.com', full_name: 'kim@example.com', name: 'Kim' },
      role: 'authenticated',
      aal: 'aal1',
      session_id: GUID,
      is_anonymous: false,
    }),
    shown: 'Kim',
    secrets: [GUID, 'kim@example.com'],
    other: [{ role: 'service_role' }, 'required_claim'],
  },
  {
    name: 'a backend that verifies Steam or PlayFab tickets',
    key: makeKey('own-1', 'ed25519'),
    entry: { issuer: 'steam', audiences: ['scoreboard'], algorithms: ['Ed25519'] },
    header: { alg: 'Ed25519', typ: undefined },
    claims: (nowS) => ({
      iss: 'steam',
      aud: 'scoreboard',
      sub: '76561197960287930',
      iat: nowS,
      exp: nowS + 300,
      name: '76561197960287930',
    }),
    shown: undefined,
    secrets: ['76561197960287930'],
    other: [{ aud: 'playfab' }, 'audience'],
  },
];

/** The claims replace those of our own tokens, which the fixtures begin with. */
const NOT_OURS: Part = { name: undefined, jti: undefined };

export function tokenOf({ key, header, claims }: Provider, nowS: number, more: Part = {}): string {
  return makeToken(key, { ...NOT_OURS, ...claims(nowS), ...more }, header);
}
