/**
 * The identity providers whose tokens are accepted: any number from the JSON file that IDP_FILE names, and one from IDP_JWKS_URL,
 * IDP_ISSUER and IDP_AUDIENCE. An entry has exactly the documented fields, or the process does not start.
 */
import { readFileSync } from 'node:fs';
import { type Environment, optionalText, text } from '../../settings/env.ts';

export interface OutsideIssuer {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** The claims that may hold the audience. Some providers write it to `client_id` or `azp`. */
  readonly audienceClaims: readonly string[];
  readonly algorithms: readonly string[];
  /** Claims that must be there with one of these values, such as `token_use`. */
  readonly requiredClaims: Readonly<Record<string, readonly ClaimValue[]>>;
  readonly nameClaims: readonly string[];
  readonly maxAgeS: number;
  /** Whether user ids are derived from subjects, or are the subjects themselves, as in earlier versions. */
  readonly subjects: (typeof SUBJECT_FORMS)[number];
}

const SUBJECT_FORMS = ['derived', 'raw'] as const;

export type ClaimValue = string | number | boolean;

/** Identity providers issue for a day at most by default. */
export const MAX_OUTSIDE_TOKEN_AGE_S = 24 * 60 * 60;
/** Asymmetric only: a public key must never serve as the secret of an HMAC. */
export const OUTSIDE_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;
const AUDIENCE_CLAIMS = ['aud', 'client_id', 'azp'];
const NAME_CLAIMS = ['name', 'preferred_username', 'nickname'];
/** Each fetches its keys once a minute. */
const MAX_ISSUERS = 100;

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every(isText);
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isClaimValue = (value: unknown): value is ClaimValue =>
  isText(value) || typeof value === 'number' || typeof value === 'boolean';

/** Reads the fields of one entry; a wrong one is named with the place of the entry. */
class Entry {
  readonly #fields: Fields;
  readonly #place: string;

  constructor(value: unknown, place: string) {
    this.#place = place;
    if (!isObject(value)) throw this.wrong('must be an object');
    this.#fields = value;
  }

  wrong(what: string): Error {
    return new Error(`${this.#place} ${what}`);
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (!isText(value)) throw this.wrong(`needs "${name}", a text`);
    return value;
  }

  texts(
    name: string,
    fallback: readonly string[] | undefined,
    allowed?: readonly string[],
  ): readonly string[] {
    const value = this.#fields[name] ?? fallback;
    if (!isTexts(value)) throw this.wrong(`needs "${name}", a list of texts that is not empty`);
    const odd = value.find((each) => allowed !== undefined && !allowed.includes(each));
    if (odd !== undefined) throw this.wrong(`has "${odd}" in "${name}": use ${allowed?.join(', ')}`);
    return value;
  }

  requiredClaims(): OutsideIssuer['requiredClaims'] {
    const value = this.#fields.requiredClaims ?? {};
    if (!isObject(value)) throw this.wrong('has "requiredClaims" that is not an object');
    const claims = Object.entries(value).map(([name, wanted]) => {
      const values = Array.isArray(wanted) ? wanted : [wanted];
      if (values.length === 0 || !values.every(isClaimValue)) {
        throw this.wrong(
          `requires no value of the claim "${name}": give a text, number or boolean, or a list`,
        );
      }
      return [name, values] as const;
    });
    return Object.fromEntries(claims);
  }

  subjects(): OutsideIssuer['subjects'] {
    const value = this.#fields.subjects ?? 'derived';
    const form = SUBJECT_FORMS.find((known) => known === value);
    if (form === undefined) throw this.wrong(`has "subjects" that is not ${SUBJECT_FORMS.join(' or ')}`);
    return form;
  }

  maxAgeS(): number {
    const value = this.#fields.maxAgeS ?? MAX_OUTSIDE_TOKEN_AGE_S;
    const isInRange =
      Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_OUTSIDE_TOKEN_AGE_S;
    if (!isInRange)
      throw this.wrong(`has "maxAgeS" that is not a whole number from 1 to ${MAX_OUTSIDE_TOKEN_AGE_S}`);
    return Number(value);
  }

  assertNoOthers(known: readonly string[]): void {
    const odd = Object.keys(this.#fields).find((name) => !known.includes(name));
    if (odd !== undefined) throw this.wrong(`has an unknown field "${odd}": use ${known.join(', ')}`);
  }
}

function readIssuer(value: unknown, place: string): OutsideIssuer {
  const entry = new Entry(value, place);
  const issuer: OutsideIssuer = {
    issuer: entry.text('issuer'),
    jwksUrl: entry.text('jwksUrl'),
    audiences: entry.texts('audiences', undefined),
    audienceClaims: entry.texts('audienceClaims', ['aud'], AUDIENCE_CLAIMS),
    algorithms: entry.texts('algorithms', OUTSIDE_ALGORITHMS, OUTSIDE_ALGORITHMS),
    requiredClaims: entry.requiredClaims(),
    nameClaims: entry.texts('nameClaims', NAME_CLAIMS),
    maxAgeS: entry.maxAgeS(),
    subjects: entry.subjects(),
  };
  entry.assertNoOthers(Object.keys(issuer));
  assertHttp(issuer.jwksUrl, `${place}: "jwksUrl"`);
  return issuer;
}

function assertHttp(url: string, name: string): void {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new Error(`${name} must be an http or https address`);
  }
}

function readFile(path: string): OutsideIssuer[] {
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`IDP_FILE: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(entries) || entries.length > MAX_ISSUERS) {
    throw new Error(`IDP_FILE must hold a JSON list of at most ${MAX_ISSUERS} issuers`);
  }
  return entries.map((entry, index) => readIssuer(entry, `IDP_FILE: entry ${index + 1}`));
}

function readSettings(env: Environment): OutsideIssuer[] {
  const jwksUrl = optionalText(env, 'IDP_JWKS_URL');
  const issuer = optionalText(env, 'IDP_ISSUER');
  const audience = optionalText(env, 'IDP_AUDIENCE');
  const subjects = text(env, 'IDP_SUBJECTS');
  if (jwksUrl === undefined && issuer === undefined && audience === undefined) return [];
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) {
    throw new Error('IDP_JWKS_URL, IDP_ISSUER and IDP_AUDIENCE must be set together');
  }
  assertHttp(jwksUrl, 'IDP_JWKS_URL');
  return [readIssuer({ jwksUrl, issuer, audiences: [audience], subjects }, 'IDP_SUBJECTS')];
}

export function parseOutsideIssuers(env: Environment): readonly OutsideIssuer[] {
  const path = optionalText(env, 'IDP_FILE');
  const issuers = [...readSettings(env), ...(path === undefined ? [] : readFile(path))];
  const names = issuers.map(({ issuer }) => issuer);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Error(`the issuer "${twice}" is configured twice (IDP_ISSUER, IDP_FILE)`);
  return issuers;
}
