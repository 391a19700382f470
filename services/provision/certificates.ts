/**
 * The certificates by which services know each other in production: a private authority of their own, and one certificate
 * a service. Each service's folder holds all that it needs and nothing else; the authority's key is apart from them.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensurePrivateFolder, replaceFile } from '../shared/files/replace-file.ts';
import { certificateFiles, certificateUri } from '../shared/identity/service-certificate.ts';
import { SERVICE_NAMES, type ServiceName } from '../shared/identity/service-keys.ts';
import { createAuthority, validFor } from './x509.ts';

export const DEFAULT_DAYS = 365;
/** A start renews certificates that would end within this time: a stack is started more often than that. */
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/** Who is called, and who calls. The authority vouches for nothing else. */
const USAGES: Readonly<Record<ServiceName, readonly ('server' | 'client')[]>> = {
  auth: ['server'],
  score: ['server', 'client'],
  rank: ['server'],
  edge: ['client'],
  fanout: ['client'],
  game: ['client'],
  cli: ['client'],
};

/** Removed first and written last: where it is, there is a whole set. */
export function authorityFile(dir: string): string {
  return join(dir, 'authority', 'ca.crt');
}

/** Makes an authority and everybody's certificates, in place of what was there. Owner-only files. */
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

/** Makes them unless there is one for each service, as there is not after an upgrade that brings a new one, and they hold for a while. */
export async function ensureCertificates(dir: string): Promise<void> {
  const path = authorityFile(dir);
  const isWhole = SERVICE_NAMES.every((name) => existsSync(certificateFiles(dir, name).cert));
  if (isWhole && existsSync(path)) {
    const { validTo } = readCertificate(path);
    if (Date.parse(validTo) - Date.now() > RENEW_BEFORE_MS) return;
  }
  await makeCertificates(dir, DEFAULT_DAYS);
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
