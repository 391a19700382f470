/**
 * Refuses to start in production with settings that are convenient in development and dangerous elsewhere. The error lists all
 * of them, with what to do instead.
 */

import { subdomainsOf } from '../http/origin-entry.ts';
import { KEY_VARIABLES } from '../identity/service-identity.ts';
import { type Environment, flag, list, optionalSecret, optionalText } from '../settings/env.ts';
import { parseMode } from '../settings/mode.ts';

/** Shorter passwords can be guessed, and those of manuals and examples are shorter. */
const MIN_PASSWORD_CHARACTERS = 16;
const SERVERS = ['DATABASE', 'REDIS', 'NATS'] as const;

/** Throws in production mode when a setting must be changed. Does nothing in development mode. */
export function assertProductionSettings(env: Environment): void {
  if (parseMode(env) !== 'production') return;
  const refusals = [...identities(env), ...signatures(env), ...origins(env), ...passwords(env)];
  if (refusals.length > 0) throw new Error(`not in production: ${refusals.join('; ')}`);
}

function identities(env: Environment): string[] {
  const keys = KEY_VARIABLES.filter((name) => optionalText(env, name) !== undefined);
  const missing = (['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const).filter(
    (name) => optionalText(env, name) === undefined,
  );
  return [
    ...keys.map((name) => `unset ${name}: service keys travel in plain text`),
    ...(missing.length > 0
      ? [
          `set ${missing.join(', ')}: services identify each other by certificates; "npm run cli -- certs" creates them`,
        ]
      : []),
  ];
}

function signatures(env: Environment): string[] {
  return flag(env, 'ALLOW_V0_SIGNATURES') ? ['unset ALLOW_V0_SIGNATURES: such signatures can be forged'] : [];
}

function origins(env: Environment): string[] {
  const isEveryPage = (entry: string) => entry.includes('*') && subdomainsOf(entry) === undefined;
  return list(env, 'ALLOWED_ORIGINS', '-').some(isEveryPage)
    ? ['list each page in ALLOWED_ORIGINS: "*" would allow every page']
    : [];
}

/** The password may be in the address, in a file with the address, or in a variable or file of its own. */
function passwords(env: Environment): string[] {
  return SERVERS.filter((server) => {
    const address = optionalSecret(env, `${server}_URL`)?.reveal() ?? '';
    const apart = optionalSecret(env, `${server}_PASSWORD`)?.reveal();
    const passwords = apart === undefined ? passwordsIn(address) : [apart];
    return passwords.some((password) => password !== '' && password.length < MIN_PASSWORD_CHARACTERS);
  }).map((server) => `give ${server}_URL a password of at least ${MIN_PASSWORD_CHARACTERS} characters`);
}

/** Of one address, or of each in a list. Empty for a text that is not an address. */
function passwordsIn(addresses: string): string[] {
  const each = [addresses, ...addresses.split(',')];
  return each.map(
    (text) => URL.parse(text.includes('://') ? text.trim() : `any://${text.trim()}`)?.password ?? '',
  );
}
