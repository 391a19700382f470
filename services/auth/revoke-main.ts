/**
 * The operator's command to revoke tokens before they expire. It records the revocation, which a running auth service applies
 * within a second. The caller waits until the service has done so.
 *
 *   node services/auth/revoke-main.ts token <jti>
 *   node services/auth/revoke-main.ts player <user id>
 */
import { parseKeysDir } from './config.ts';
import { revoke } from './tokens/revocation-store.ts';

const USAGE = 'usage: revoke-main.ts token <jti> | player <user id>';

/** Returns the output. Throws with one line for the operator. */
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
