/** Certificates for tests: a folder as an operator makes it, and single ones that no operator should make. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../../../services/provision/certificates.ts';
import { type CertificateRequest, createAuthority, validFor } from '../../../services/provision/x509.ts';
import type { TlsCredentials } from '../../../services/shared/identity/service-certificate.ts';

export interface CertificateFolder {
  readonly dir: string;
  remove(): Promise<void>;
}

export async function makeCertificateFolder(): Promise<CertificateFolder> {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-certificates-'));
  await makeCertificates(dir, 1);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

export interface TestAuthority {
  readonly ca: Buffer;
  /** A certificate of this authority with these names, good for client and server unless told otherwise. */
  issue(names: CertificateRequest['names'], changes?: Partial<CertificateRequest>): Promise<TlsCredentials>;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const authority = await createAuthority(validFor(1, Date.now()));
  const ca = Buffer.from(authority.cert);
  return {
    ca,
    async issue(names, changes = {}) {
      const { cert, key } = await authority.issue({
        commonName: 'test',
        usages: ['server', 'client'],
        ...validFor(1, Date.now()),
        names,
        ...changes,
      });
      return { ca, cert: Buffer.from(cert), key: Buffer.from(key) };
    },
  };
}
