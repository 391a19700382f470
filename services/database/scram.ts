/**
 * The verifier that Postgres stores instead of a password (RFC 5803). It is computed here, so that neither a statement nor a
 * log of statements contains the password.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** Postgres' own default. The passwords are random and long, so more iterations would protect nothing. */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;
const SHA256_BYTES = 32;

export function scramVerifier(password: string, salt: Buffer = randomBytes(SALT_BYTES)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, SHA256_BYTES, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
