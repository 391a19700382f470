/**
 * The operator's command for tokens that must not wait for their end; within a second nobody believes them any more.
 *
 *   node services/auth/revoke-main.ts token <jti>
 *   node services/auth/revoke-main.ts player <user id>
 */
import { parseKeysDir } from './config.ts';
import { revoke } from './revocation-store.ts';

const USAGE = 'usage: revoke-main.ts token <jti> | player <user id>';

/** What to print. Throws with one line for the operator. */
function run(dir: string, [kind, subject, ...more]: readonly string[]): string {
  if ((kind !== 'token' && kind !== 'player') || subject === undefined || more.length > 0) {
    throw new Error(USAGE);
  }
  revoke(dir, kind, subject);
  return `revoked ${subject}`;
}

try {
  process.stdout.write(`${run(parseKeysDir(process.env), process.argv.slice(2))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
