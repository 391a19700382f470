/**
 * Makes what the services identify themselves with: service keys in development, certificates in production. Tells in one line if
 * they replace lost ones, since services that run elsewhere need the new ones too.
 */
import { ensureSecrets, keyFile } from '../../services/provision/secrets.ts';
import { certificatesDir, secretsDir } from '../../services/shared/identity/stack-file.ts';
import type { Mode } from '../../services/shared/settings/mode.ts';

export async function ensureKeys(mode: Mode, dataDir: string, say: (line: string) => void): Promise<void> {
  if (mode === 'development') {
    const secrets = secretsDir(dataDir);
    const missing = ensureSecrets(secrets).map((name) => keyFile(secrets, name));
    if (missing.length > 0) say(`made new service keys, since these were missing: ${missing.join(', ')}`);
    return;
  }
  // Loaded only in production: the library that writes certificates is large.
  const { ensureCertificates } = await import('../../services/provision/certificates.ts');
  const why = await ensureCertificates(certificatesDir(dataDir));
  if (why !== undefined) say(`made new certificates for all services, since ${why}`);
}
