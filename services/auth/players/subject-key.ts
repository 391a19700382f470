/**
 * The key from which the user ids of outside players are derived, beside the signing keys. It is made once and never replaced:
 * with another key every outside player would be a stranger. Postgres keeps its fingerprint, so that a lost key is noticed
 * before a new one takes its place.
 */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ensureClosedFolder, replaceFile } from '../../shared/files/replace-file.ts';
import { SUBJECT_KEY_BYTES } from '../../shared/tokens/players/player-id.ts';
import { changeFileAlone, fileVersion, readOwnFile } from '../keys/own-file.ts';

export const subjectKeyPath = (dir: string): string => join(dir, 'subject-key.json');

function readSubjectKey(path: string): Buffer {
  const { key } = readOwnFile(path);
  const bytes = Buffer.from(typeof key === 'string' ? key : '', 'base64url');
  if (bytes.length !== SUBJECT_KEY_BYTES)
    throw new Error(`${path} does not hold a key of ${SUBJECT_KEY_BYTES} bytes`);
  return bytes;
}

/** The key in the folder, which is made if there is none. Throws when the file is damaged or others may read it. */
export async function openSubjectKey(dir: string): Promise<Buffer> {
  const path = subjectKeyPath(dir);
  ensureClosedFolder(dir);
  await changeFileAlone(path, () => {
    if (fileVersion(path) !== undefined) return;
    const key = randomBytes(SUBJECT_KEY_BYTES).toString('base64url');
    replaceFile(path, `${JSON.stringify({ key }, null, 2)}\n`);
  });
  return readSubjectKey(path);
}

/** Tells two keys apart and says nothing of either. */
export function fingerprintOf(key: Uint8Array): string {
  return createHash('sha256').update('scoreboard-subject-key\n').update(key).digest('hex');
}
