/**
 * A service's certificate: the name that it proves, and the files of a process that shows one. The name is the one URI
 * among the certificate's names, `spiffe://scoreboard/score`; host names in it decide nothing.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isServiceName, type ServiceName } from './service-keys.ts';

const TRUST_DOMAIN = 'spiffe://scoreboard/';
/** Node writes a name that holds anything else in quotes, as JSON; no name of ours does. */
const PLAIN_NAMES =
  /^(?:URI|DNS|IP Address):[A-Za-z0-9.:/_-]+(?:, (?:URI|DNS|IP Address):[A-Za-z0-9.:/_-]+)*$/;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export function certificateUri(name: ServiceName): string {
  return `${TRUST_DOMAIN}${name}`;
}

/** The service that a verified certificate is of; undefined when it is of nobody here. Takes Node's `subjectaltname`. */
export function serviceOfCertificate(names: string | undefined): ServiceName | undefined {
  if (names === undefined || !PLAIN_NAMES.test(names)) return undefined;
  const [uri, ...more] = names.split(', ').filter((name) => name.startsWith('URI:'));
  if (uri === undefined || more.length > 0) return undefined;
  const name = uri.slice('URI:'.length);
  const service = name.slice(TRUST_DOMAIN.length);
  return name.startsWith(TRUST_DOMAIN) && isServiceName(service) ? service : undefined;
}

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Whose certificates are believed. */
  readonly ca: string;
}

/** Where the files of a service are in a folder that `npm run cli -- certs` made: one folder a service, to be mounted alone. */
export function certificateFiles(dir: string, name: ServiceName): CertificateFiles {
  const file = (kind: string) => join(dir, name, kind);
  return { cert: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt') };
}

/** What one process shows, and what it believes, in PEM. */
export interface TlsCredentials {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** Throws the line that says which file is wrong, and why, when another service would refuse what is in them. */
export function readTlsCredentials(
  files: CertificateFiles,
  name: ServiceName,
  nowMs: number,
): TlsCredentials {
  const credentials = {
    cert: readFileSync(files.cert),
    key: readFileSync(files.key),
    ca: readFileSync(files.ca),
  };
  const mode = statSync(files.key).mode & 0o777;
  if ((mode & 0o007) !== 0) {
    throw new Error(
      `${files.key} may be read by everybody (mode ${mode.toString(8)}); its mode should be 600`,
    );
  }
  const [certificate, ...between] = certificatesIn(files.cert, credentials.cert);
  const believed = certificatesIn(files.ca, credentials.ca);
  const key = parsed(files.key, () => createPrivateKey(credentials.key));
  const shown = serviceOfCertificate(certificate.subjectAltName);
  if (shown !== name) {
    throw new Error(`${files.cert} is the certificate of ${shown ?? 'no service'}, and this is ${name}`);
  }
  if (!certificate.checkPrivateKey(key)) throw new Error(`${files.key} is not the key of ${files.cert}`);
  const issuer = [...between, ...believed].find(({ publicKey }) => certificate.verify(publicKey));
  if (issuer === undefined) throw new Error(`${files.cert} was not issued by ${files.ca}`);
  for (const { validFrom, validTo } of [certificate, issuer]) {
    if (nowMs < Date.parse(validFrom) || nowMs > Date.parse(validTo)) {
      throw new Error(
        `${files.cert} is valid from ${validFrom} to ${validTo}: make new ones with "npm run cli -- certs"`,
      );
    }
  }
  return credentials;
}

/** The first is whose file it is; others stand between it and those who are believed. */
function certificatesIn(path: string, pem: Buffer): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.toString().match(PEM_CERTIFICATE) ?? [];
  const [first, ...more] = parsed(path, () => blocks.map((block) => new X509Certificate(block)));
  if (first === undefined) throw new Error(`${path} can not be read as PEM`);
  return [first, ...more];
}

/** The parser's own words may quote the text, and the text may be a key. */
function parsed<Value>(path: string, parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw new Error(`${path} can not be read as PEM`);
  }
}
