/**
 * A service's certificate: the name that it proves, and the files of a process that presents it. The name is the only URI among
 * the certificate's names, such as `spiffe://scoreboard/score`. Host names in it have no effect.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isServiceName, type ServiceName } from './service-keys.ts';

const TRUST_DOMAIN = 'spiffe://scoreboard/';
/** Node quotes names with other characters as JSON; ours have none. */
const PLAIN_NAMES =
  /^(?:URI|DNS|IP Address):[A-Za-z0-9.:/_-]+(?:, (?:URI|DNS|IP Address):[A-Za-z0-9.:/_-]+)*$/;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export function certificateUri(name: ServiceName): string {
  return `${TRUST_DOMAIN}${name}`;
}

/** The service of a verified certificate; undefined when it is none of ours. Takes Node's `subjectaltname`. */
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
  /** The authorities whose certificates are accepted. */
  readonly ca: string;
}

/** The files of a service in a folder of `npm run cli -- certs`: one folder per service, so that it can be mounted alone. */
export function certificateFiles(dir: string, name: ServiceName): CertificateFiles {
  const file = (kind: string) => join(dir, name, kind);
  return { cert: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt') };
}

/** What one process presents, and the authorities that it accepts, in PEM. */
export interface TlsCredentials {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** Throws a message with the file and its fault when another service would refuse the credentials. */
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
    throw new Error(`${files.key} is readable by all users (mode ${mode.toString(8)}): set its mode to 600`);
  }
  const [certificate, ...between] = certificatesIn(files.cert, credentials.cert);
  const believed = certificatesIn(files.ca, credentials.ca);
  const key = parsed(files.key, () => createPrivateKey(credentials.key));
  const shown = serviceOfCertificate(certificate.subjectAltName);
  if (shown !== name) {
    throw new Error(`${files.cert} is the certificate of ${shown ?? 'no service'}, not of ${name}`);
  }
  if (!certificate.checkPrivateKey(key)) throw new Error(`${files.key} is not the key of ${files.cert}`);
  const issuer = [...between, ...believed].find(({ publicKey }) => certificate.verify(publicKey));
  if (issuer === undefined) throw new Error(`${files.cert} was not issued by ${files.ca}`);
  for (const { validFrom, validTo } of [certificate, issuer]) {
    if (nowMs < Date.parse(validFrom) || nowMs > Date.parse(validTo)) {
      throw new Error(
        `${files.cert} is valid from ${validFrom} to ${validTo}: create new ones with "npm run cli -- certs"`,
      );
    }
  }
  return credentials;
}

/** The first certificate is the service's own; others lead from it to an authority. */
function certificatesIn(path: string, pem: Buffer): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.toString().match(PEM_CERTIFICATE) ?? [];
  const [first, ...more] = parsed(path, () => blocks.map((block) => new X509Certificate(block)));
  if (first === undefined) throw new Error(`${path} can not be read as PEM`);
  return [first, ...more];
}

/** The parser's message may quote the text, and the text may be a key. */
function parsed<Value>(path: string, parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw new Error(`${path} can not be read as PEM`);
  }
}
