/**
 * The certificates by which services identify each other in production: a private authority, and one certificate per service. Each
 * service's folder contains exactly what it needs. The authority's key is not among it.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensurePrivateFolder, replaceFile } from '../shared/files/replace-file.ts';
import { certificateFiles, certificateUri } from '../shared/identity/service-certificate.ts';
import { SERVICE_NAMES, type ServiceName } from '../shared/identity/service-keys.ts';
import { createAuthority, validFor } from './x509.ts';

export const DEFAULT_DAYS = 365;
/** A start renews certificates that expire within this time: a stack is started more often than that. */
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/** Which services are called, and which make calls. The authority certifies nothing else. */
const USAGES: Readonly<Record<ServiceName, readonly ('server' | 'client')[]>> = {
  auth: ['server'],
  score: ['server', 'client'],
  rank: ['server'],
  edge: ['client'],
  fanout: ['client'],
  game: ['client'],
  cli: ['client'],
};

/** Removed first and written last: if it exists, the set is complete. */
export function authorityFile(dir: string): string {
  return join(dir, 'authority', 'ca.crt');
}

/** Creates an authority and the certificates of all services, and replaces existing ones. Only the owner can read the files. */
export async function makeCertificates(dir: string, days: number): Promise<void> {
  rmSync(authorityFile(dir), { force: true });
  const validity = validFor(days, Date.now());
  const authority = await createAuthority(validity);
  for (const name of SERVICE_NAMES) {
    const files = certificateFiles(dir, name);
    const issued = await authority.issue({
      ...validity,
      commonName: name,
      usages: USAGES[name],
      names: [
        { type: 'url', value: certificateUri(name) },
        { type: 'dns', value: name },
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ],
    });
    ensurePrivateFolder(dirname(files.key));
    replaceFile(files.key, issued.key);
    replaceFile(files.cert, issued.cert);
    replaceFile(files.ca, authority.cert);
  }
  ensurePrivateFolder(dirname(authorityFile(dir)));
  replaceFile(join(dir, 'authority', 'ca.key'), authority.key);
  replaceFile(authorityFile(dir), authority.cert);
}

/**
 * Creates them for all services unless each has its own, of one authority and valid for a while. Returns why existing ones were
 * replaced; undefined when they were kept or there were none.
 */
export async function ensureCertificates(dir: string): Promise<string | undefined> {
  if (!existsSync(dir)) {
    await makeCertificates(dir, DEFAULT_DAYS);
    return undefined;
  }
  const why = whyReplaced(dir);
  if (why !== undefined) await makeCertificates(dir, DEFAULT_DAYS);
  return why;
}

function whyReplaced(dir: string): string | undefined {
  const authority = authorityFile(dir);
  const files = SERVICE_NAMES.map((name) => certificateFiles(dir, name));
  // Also after an upgrade with a new service.
  const missing = [authority, ...files.flatMap((each) => Object.values(each))].find(
    (path) => !existsSync(path),
  );
  if (missing !== undefined) return `${missing} was missing`;
  const { validFrom, validTo } = readCertificate(authority);
  // They were created while the clock was ahead.
  if (Date.parse(validFrom) > Date.now()) return `they are valid only from ${validFrom}`;
  if (Date.parse(validTo) - Date.now() < RENEW_BEFORE_MS) return `they end on ${validTo}`;
  const text = readFileSync(authority);
  const other = files.find(({ ca }) => !readFileSync(ca).includes(text));
  return other && `${other.ca} does not hold ${authority}`;
}

function readCertificate(path: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    throw new Error(
      `${path} cannot be read as a certificate: restore it from a backup, or remove it and all services get new certificates`,
    );
  }
}
