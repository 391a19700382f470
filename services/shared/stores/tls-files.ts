/** TLS to a server that the operator gives: its certificate authority, and our certificate if it asks for one. Files in PEM. */
import { readFileSync } from 'node:fs';
import { type Environment, optionalText } from '../settings/env.ts';
import { Secret } from '../settings/secret.ts';

export interface TlsFiles {
  /** Trusted instead of the authorities that Node knows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Secret;
}

/** The server's name in the names of its settings. */
type Server = 'REDIS' | 'NATS';

/** Undefined if none of the settings is set. */
export function parseTlsFiles(env: Environment, server: Server): TlsFiles | undefined {
  const ca = readPem(env, `${server}_CA_FILE`);
  const cert = readPem(env, `${server}_CERT_FILE`);
  const key = readPem(env, `${server}_KEY_FILE`);
  if ((cert === undefined) !== (key === undefined))
    throw new Error(`${server}_CERT_FILE and ${server}_KEY_FILE must be set together`);
  if (ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key: new Secret(key) }),
  };
}

type FileSetting = `${Server}_${'CA' | 'CERT' | 'KEY'}_FILE`;

function readPem(env: Environment, name: FileSetting): string | undefined {
  const path = optionalText(env, name);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${name} can't be read: ${(error as NodeJS.ErrnoException).code} ${path}`);
  }
  if (!text.includes('-----BEGIN ')) throw new Error(`${name} names a file that is not PEM: ${path}`);
  return text;
}

/** In the form that node:tls takes. */
export function tlsOptionsOf({ ca, cert, key }: TlsFiles): { ca?: string; cert?: string; key?: string } {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key: key.reveal() }),
  };
}

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** Why TLS to a server fails, for a reason that waiting does not change; undefined for any other error. */
export function describeTlsTrouble(error: unknown, server: Server): string | undefined {
  const { code, message: whole } = findCode(error);
  const message = summary(whole);
  if (UNTRUSTED.has(code))
    return `its certificate is not trusted (${code}): set ${server}_CA_FILE to the file of its certificate authority`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `its certificate is not valid now (${code}): renew it, or check the clocks`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for other host names: let ${server}_URL name it as the certificate does (${message})`;
  if (/wrong version number|packet length too long|record layer failure/i.test(message))
    return `it does not speak TLS at this port: let ${server}_URL name the port for TLS, or give an address without TLS`;
  if (/certificate required|bad certificate|unknown ca|handshake failure/i.test(message))
    return `it refuses our certificate: set ${server}_CERT_FILE and ${server}_KEY_FILE to one that it trusts (${message})`;
  if (/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|EPROTO$)/.test(code)) return `TLS fails (${code}): ${message}`;
  return undefined;
}

/** OpenSSL's messages have more fields, and end with a line break. */
function summary(message: string): string {
  return (/:(ssl\/tls alert [^:]+|[^:]* alert [^:]+):/.exec(message)?.[1] ?? message).trim();
}

/** Client libraries wrap the error of the socket. */
function findCode(error: unknown): { code: string; message: string } {
  let each = error as
    | { code?: unknown; message?: unknown; cause?: unknown; chainedError?: unknown }
    | undefined;
  let last = { code: '', message: '' };
  for (let depth = 0; depth < 4 && typeof each === 'object' && each !== null; depth += 1) {
    const { code, message } = each;
    last = { code: String(code ?? ''), message: String(message ?? '') };
    if (/^[A-Z]+_[A-Z_]+|^EPROTO$/.test(last.code)) return last;
    each = (each.cause ?? each.chainedError) as typeof each;
  }
  return last;
}
