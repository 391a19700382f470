/**
 * How a process identifies itself to other services, and how it identifies them: by certificates (mutual TLS) when the TLS_ files
 * are set, otherwise by service keys. Never by both, so that no credential is configured and not checked.
 */
import { type Environment, optionalText, secret, text } from '../settings/env.ts';
import type { Secret } from '../settings/secret.ts';
import { type CertificateFiles, readTlsCredentials, type TlsCredentials } from './service-certificate.ts';
import { readServiceDigests, type ServiceDigests, type ServiceName } from './service-keys.ts';

/** The credentials that a process presents to the services that it calls. */
export type ServiceIdentity =
  | { readonly serviceKey: Secret | string; readonly tls?: never }
  | { readonly tls: TlsCredentials; readonly serviceKey?: never };

/** How a server identifies its callers. */
export type CallerCheck =
  | { readonly digests: ServiceDigests; readonly tls?: never }
  | { readonly tls: TlsCredentials; readonly digests?: never };

export const KEY_VARIABLES = ['SERVICE_KEY', 'SERVICE_KEY_FILE', 'SERVICE_DIGESTS_FILE'] as const;

/** Throws when the files are not those of this service. */
export function parseServiceIdentity(env: Environment, name: ServiceName): ServiceIdentity {
  const files = parseCertificateFiles(env);
  if (files !== undefined) return { tls: readTlsCredentials(files, name, Date.now()) };
  return { serviceKey: secret(env, 'SERVICE_KEY') };
}

export function parseCallerCheck(env: Environment, name: ServiceName): CallerCheck {
  const files = parseCertificateFiles(env);
  if (files !== undefined) return { tls: readTlsCredentials(files, name, Date.now()) };
  return { digests: readServiceDigests(text(env, 'SERVICE_DIGESTS_FILE')) };
}

/** Undefined when service keys are used. */
function parseCertificateFiles(env: Environment): CertificateFiles | undefined {
  const given = [
    optionalText(env, 'TLS_CERT_FILE'),
    optionalText(env, 'TLS_KEY_FILE'),
    optionalText(env, 'TLS_CA_FILE'),
  ] as const;
  if (given.every((path) => path === undefined)) return undefined;
  const [cert, key, ca] = given;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new Error('TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE must be set together');
  }
  const keys = KEY_VARIABLES.filter((name) => optionalText(env, name) !== undefined);
  if (keys.length > 0)
    throw new Error(`unset ${keys.join(' and ')}: services identify each other by certificates here`);
  return { cert, key, ca };
}

/** Whether the environment sets any credentials of this process. */
export function isIdentityGiven(env: Environment): boolean {
  return (['TLS_CERT_FILE', 'SERVICE_KEY', 'SERVICE_KEY_FILE'] as const).some(
    (name) => optionalText(env, name) !== undefined,
  );
}
