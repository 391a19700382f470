/**
 * What Postgres keeps of a password (RFC 5803). Made here, so that no statement carries the password itself, and none of
 * the places where a statement may be written down does either.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** As Postgres itself does. The passwords are random and long, so more rounds would protect nothing. */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;
const SHA256_BYTES = 32;

export function scramVerifier(password: string, salt: Buffer = randomBytes(SALT_BYTES)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, SHA256_BYTES, 'sha256');
  const hmac = (words: string) => createHmac('sha256', salted).update(words).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
