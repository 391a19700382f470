/** The credentials of a command: those that the environment sets, otherwise those that the stack in DATA_DIR created for it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../settings/env.ts';
import { certificateFiles } from './service-certificate.ts';
import { isIdentityGiven, parseServiceIdentity, type ServiceIdentity } from './service-identity.ts';
import type { ServiceName } from './service-keys.ts';
import { certificatesDir, readStackFile, secretsDir } from './stack-file.ts';

/** Throws a message for the operator when there are none. */
export function findStackIdentity(env: Environment, dataDir: string, name: ServiceName): ServiceIdentity {
  if (isIdentityGiven(env)) return parseServiceIdentity(env, name);
  if (readStackFile(dataDir)?.mode === 'production') {
    const { cert, key, ca } = certificateFiles(certificatesDir(dataDir), name);
    return parseServiceIdentity({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca }, name);
  }
  const path = join(secretsDir(dataDir), `${name}.key`);
  if (!existsSync(path)) {
    throw new Error(`there is no service key at ${path}: set SERVICE_KEY_FILE, or the three TLS_ files`);
  }
  return parseServiceIdentity({ SERVICE_KEY_FILE: path }, name);
}
