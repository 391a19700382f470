/**
 * What a process in production does not start with: settings that are convenient in development and dangerous elsewhere.
 * Every refusal says what to do instead, and all of them are said at once.
 */

import { KEY_VARIABLES } from '../identity/service-identity.ts';
import { type Environment, flag, list, optionalSecret, optionalText } from '../settings/env.ts';
import { parseMode } from '../settings/mode.ts';

/** Shorter ones are guessed, and those that manuals and examples use are shorter. */
const MIN_PASSWORD_CHARACTERS = 16;
const SERVERS = ['DATABASE', 'REDIS', 'NATS'] as const;

/** Throws in production mode when anything is to be put right; does nothing in development. */
export function assertProductionSettings(env: Environment): void {
  if (parseMode(env) !== 'production') return;
  const refusals = [...identities(env), ...signatures(env), ...origins(env), ...passwords(env)];
  if (refusals.length > 0) throw new Error(`not in production: ${refusals.join('; ')}`);
}

function identities(env: Environment): string[] {
  const keys = KEY_VARIABLES.filter((name) => optionalText(env, name) !== undefined);
  const missing = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'].filter(
    (name) => optionalText(env, name) === undefined,
  );
  return [
    ...keys.map((name) => `unset ${name}: service keys travel in plain text`),
    ...(missing.length > 0
      ? [
          `set ${missing.join(', ')}: services know each other by certificates; "npm run cli -- certs" makes them`,
        ]
      : []),
  ];
}

function signatures(env: Environment): string[] {
  return flag(env, 'ALLOW_V0_SIGNATURES', false)
    ? ['unset ALLOW_V0_SIGNATURES: such signatures can be forged']
    : [];
}

function origins(env: Environment): string[] {
  return list(env, 'ALLOWED_ORIGINS', []).some((origin) => origin.includes('*'))
    ? ['name each page in ALLOWED_ORIGINS: "*" would let every page in']
    : [];
}

/** Wherever the password comes from: the address, a file that holds it, or a variable or file of its own. */
function passwords(env: Environment): string[] {
  return SERVERS.filter((server) => {
    const address = optionalSecret(env, `${server}_URL`)?.reveal() ?? '';
    const password = optionalSecret(env, `${server}_PASSWORD`)?.reveal() ?? passwordIn(address);
    return password !== '' && password.length < MIN_PASSWORD_CHARACTERS;
  }).map((server) => `give ${server}_URL a password of at least ${MIN_PASSWORD_CHARACTERS} characters`);
}

/** Empty when there is none, or nothing that reads as an address. */
function passwordIn(address: string): string {
  return URL.parse(address)?.password ?? '';
}
