/**
 * Whether connections to Postgres use TLS, and what they check, in libpq's words. Without any of these parameters an address means
 * no TLS. The driver can't bind SCRAM to the channel, so `channel_binding=require` checks the server's certificate and name
 * instead, which excludes the same attacker between us and the server.
 */
import { readFileSync } from 'node:fs';
import { getCACertificates, type SecureVersion } from 'node:tls';
import { oneOf, type ParameterName, type Parameters } from './parameters.ts';
import { PostgresAddressError } from './parts.ts';

export interface TlsChoice {
  /** 'if offered' goes on without TLS at a server that speaks none. */
  readonly use: 'never' | 'if offered' | 'always';
  readonly verify: 'nothing' | 'authority' | 'authority and name';
  /** TLS from the first byte, without Postgres' request for it. */
  readonly direct: boolean;
  /** Whether the name is sent, so that a proxy finds the server. */
  readonly sendsName: boolean;
  readonly files: TlsFiles;
}

export interface TlsFiles {
  readonly ca?: string[];
  readonly crl?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: Buffer;
  readonly passphrase?: string;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
}

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type Mode = (typeof MODES)[number];
const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
const SYSTEM = 'system';

const USE = {
  disable: 'never',
  // It differs from "prefer" only in what is tried first, and a server that insists on TLS offers it.
  allow: 'if offered',
  prefer: 'if offered',
  require: 'always',
  'verify-ca': 'always',
  'verify-full': 'always',
} as const;

export function readTls(parameters: Parameters): TlsChoice {
  const binding = oneOf(parameters, 'channel_binding', ['disable', 'prefer', 'require']);
  const mode = readMode(parameters);
  if (binding === 'require' && USE[mode] === 'never' && isAsked(parameters)) {
    throw new PostgresAddressError('has channel_binding=require, which needs TLS, and sslmode=disable');
  }
  const use = binding === 'require' ? 'always' : USE[mode];
  const verify = binding === 'require' ? 'authority and name' : verifyOf(mode, parameters);
  return {
    use,
    verify,
    direct: oneOf(parameters, 'sslnegotiation', ['postgres', 'direct']) === 'direct',
    sendsName: oneOf(parameters, 'sslsni', ['0', '1']) !== '0',
    files: use === 'never' ? {} : readFiles(parameters, verify),
  };
}

const isAsked = ({ sslmode, ssl }: Parameters): boolean => sslmode !== undefined || ssl !== undefined;

function readMode(parameters: Parameters): Mode {
  const mode = oneOf(parameters, 'sslmode', MODES) ?? modeOfOthers(parameters);
  if (parameters.sslrootcert !== SYSTEM) return mode ?? (namesFiles(parameters) ? 'prefer' : 'disable');
  if (mode !== undefined && mode !== 'verify-full') {
    throw new PostgresAddressError(`has sslrootcert=system, which needs sslmode=verify-full, not ${mode}`);
  }
  return 'verify-full';
}

/** What other clients write: `ssl=true`, or a mode; Prisma's `sslaccept`. */
function modeOfOthers(parameters: Parameters): Mode | undefined {
  const ssl = oneOf(parameters, 'ssl', ['true', 'false', '1', '0', 'no-verify', ...MODES]);
  const accept = oneOf(parameters, 'sslaccept', ['strict', 'accept_invalid_certs']);
  if (accept === 'strict') return 'verify-full';
  if (ssl === 'true' || ssl === '1' || ssl === 'no-verify') return 'require';
  if (ssl === 'false' || ssl === '0') return 'disable';
  return ssl ?? (accept === undefined ? undefined : 'prefer');
}

const namesFiles = ({ sslrootcert, sslcert, sslkey, sslidentity }: Parameters): boolean =>
  (sslrootcert ?? sslcert ?? sslkey ?? sslidentity) !== undefined;

function verifyOf(mode: Mode, { sslrootcert }: Parameters): TlsChoice['verify'] {
  if (mode === 'verify-full') return 'authority and name';
  // As in libpq: with an authority, "require" checks that the certificate is of it.
  return mode === 'verify-ca' || (mode === 'require' && sslrootcert !== undefined) ? 'authority' : 'nothing';
}

function readFiles(parameters: Parameters, verify: TlsChoice['verify']): TlsFiles {
  const { sslrootcert, sslcert, sslkey, sslcrl, sslidentity, sslpassword } = parameters;
  if ((sslcert === undefined) !== (sslkey === undefined)) {
    const missing = sslkey === undefined ? 'sslkey' : 'sslcert';
    throw new PostgresAddressError(
      `lacks ${missing}: sslcert and sslkey are the certificate and key of the client; a certificate authority is given as sslrootcert`,
    );
  }
  const minVersion = oneOf(parameters, 'ssl_min_protocol_version', VERSIONS);
  const maxVersion = oneOf(parameters, 'ssl_max_protocol_version', VERSIONS);
  const isOwn = sslrootcert !== undefined && sslrootcert !== SYSTEM;
  return {
    ...(verify !== 'nothing' && {
      ca: isOwn ? [readText('sslrootcert', sslrootcert)] : publicAuthorities(),
    }),
    ...(sslcrl !== undefined && { crl: readText('sslcrl', sslcrl) }),
    ...(sslcert !== undefined && { cert: readText('sslcert', sslcert) }),
    ...(sslkey !== undefined && { key: readText('sslkey', sslkey) }),
    ...(sslidentity !== undefined && { pfx: readBytes('sslidentity', sslidentity) }),
    ...(sslpassword !== undefined && { passphrase: sslpassword }),
    ...(minVersion !== undefined && { minVersion }),
    ...(maxVersion !== undefined && { maxVersion }),
  };
}

/** Those of Node, of NODE_EXTRA_CA_CERTS and of the system. */
function publicAuthorities(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates(SYSTEM)])];
}

const readText = (name: ParameterName, path: string): string => readBytes(name, path).toString('utf8');

function readBytes(name: ParameterName, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new PostgresAddressError(`has ${name}=${path}, and this file can not be read: ${code}`, { cause });
  }
}
