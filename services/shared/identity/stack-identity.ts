/** What a command shows to the stack that it works on: what the environment names, else what the stack in DATA_DIR made for it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../settings/env.ts';
import { certificateFiles } from './service-certificate.ts';
import { isIdentityGiven, parseServiceIdentity, type ServiceIdentity } from './service-identity.ts';
import type { ServiceName } from './service-keys.ts';
import { certificatesDir, readStackFile } from './stack-file.ts';

/** Throws with a line for the operator when there is nothing to show. */
export function findStackIdentity(env: Environment, dataDir: string, name: ServiceName): ServiceIdentity {
  if (isIdentityGiven(env)) return parseServiceIdentity(env, name);
  if (readStackFile(dataDir)?.mode === 'production') {
    const { cert, key, ca } = certificateFiles(certificatesDir(dataDir), name);
    return parseServiceIdentity({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca }, name);
  }
  const path = join(dataDir, 'secrets', `${name}.key`);
  if (!existsSync(path)) {
    throw new Error(`there is no service key at ${path}: set SERVICE_KEY_FILE, or the three TLS_ files`);
  }
  return parseServiceIdentity({ SERVICE_KEY_FILE: path }, name);
}
