/**
 * The operator's command for tokens that must not wait for their end. It records the revocation, which a running auth service
 * obeys within a second; the caller asks the service whether it does.
 *
 *   node services/auth/revoke-main.ts token <jti>
 *   node services/auth/revoke-main.ts player <user id>
 */
import { parseKeysDir } from './config.ts';
import { revoke } from './tokens/revocation-store.ts';

const USAGE = 'usage: revoke-main.ts token <jti> | player <user id>';

/** What to print. Throws with one line for the operator. */
async function run(dir: string, [kind, subject, ...more]: readonly string[]): Promise<string> {
  if ((kind !== 'token' && kind !== 'player') || subject === undefined || more.length > 0) {
    throw new Error(USAGE);
  }
  await revoke(dir, kind, subject);
  return `recorded ${subject}`;
}

try {
  process.stdout.write(`${await run(parseKeysDir(process.env), process.argv.slice(2))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
