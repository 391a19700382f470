/**
 * The keys by which services know each other, made on the first start and kept: one file per service that only this
 * service reads, and the digests that every server reads. Beside them the key of the audit chain, which is needed with
 * certificates too.
 */
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createAuditKey, parseAuditKey } from '../shared/audit-chain/audit-chain.ts';
import { ensurePrivateFolder, replaceFile } from '../shared/files/replace-file.ts';
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

/** In a file that only its owner reads, unless there is one: what an old key sealed, no other verifies. */
export function makeAuditKey(path: string): void {
  ensurePrivateFolder(dirname(path));
  ensureFile(path, AUDIT_KEY);
}

/** Undefined when there is no such file. */
export function readAuditKey(path: string): Buffer | undefined {
  return existsSync(path) ? parseAuditKey(readKept(path, AUDIT_KEY)) : undefined;
}

/** Creates what is missing. Keys that exist stay as they are, and the digests always match the keys. */
export async function ensureSecrets(dir: string): Promise<void> {
  ensurePrivateFolder(dir);
  await chmod(dir, 0o700);
  const keys: string[] = [];
  for (const name of SERVICE_NAMES) {
    const key = ensureFile(keyFile(dir, name), {
      create: () => createServiceKey(name),
      check: (text) => assertServiceKey(name, text),
      remedy: 'remove it, and this start makes a new one',
    });
    keys.push(key);
  }
  replaceFile(digestsFile(dir), `${JSON.stringify(digestServiceKeys(keys), null, 2)}\n`);
}
