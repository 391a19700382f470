/**
 * The service keys, created on the first start and kept: one file per service, which only that service reads, and the digests,
 * which every server reads. The same folder has the key of the audit chain, which is also needed with certificates.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createAuditKey, parseAuditKey } from '../shared/audit-chain/audit-chain.ts';
import { ensureClosedFolder, ensurePrivateFolder, replaceFile } from '../shared/files/replace-file.ts';
import {
  assertServiceKey,
  createServiceKey,
  digestServiceKeys,
  SERVICE_NAMES,
  type ServiceName,
} from '../shared/identity/service-keys.ts';
import { ensureFile, type KeptFile, readKept } from './kept-file.ts';

const AUDIT_KEY: KeptFile = {
  create: createAuditKey,
  check: (text) => parseAuditKey(text),
  remedy: 'restore it from a backup, since a new key cannot verify what the old one sealed',
};

export function keyFile(dir: string, name: ServiceName): string {
  return join(dir, `${name}.key`);
}

export function auditKeyFile(dir: string): string {
  return join(dir, 'audit.key');
}

export function digestsFile(dir: string): string {
  return join(dir, 'digests.json');
}

/** Creates the key in a private file unless there is one: no other key verifies what an existing one sealed. */
export function makeAuditKey(path: string): void {
  ensurePrivateFolder(dirname(path));
  ensureFile(path, AUDIT_KEY);
}

/** Undefined when there is no such file. */
export function readAuditKey(path: string): Buffer | undefined {
  return existsSync(path) ? parseAuditKey(readKept(path, AUDIT_KEY)) : undefined;
}

/**
 * Creates missing files. Existing keys are kept, and the digests always match the keys. Returns the services whose keys were missing
 * while others existed.
 */
export function ensureSecrets(dir: string): readonly ServiceName[] {
  ensureClosedFolder(dir);
  const missing = SERVICE_NAMES.filter((name) => !existsSync(keyFile(dir, name)));
  const keys: string[] = [];
  for (const name of SERVICE_NAMES) {
    const key = ensureFile(keyFile(dir, name), {
      create: () => createServiceKey(name),
      check: (text) => assertServiceKey(name, text),
      remedy: 'remove it, and the next start creates a new one',
    });
    keys.push(key);
  }
  replaceFile(digestsFile(dir), `${JSON.stringify(digestServiceKeys(keys), null, 2)}\n`);
  return missing.length < SERVICE_NAMES.length ? missing : [];
}
