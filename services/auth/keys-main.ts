/**
 * The operator's command for signing keys. A running auth service applies changes within a second.
 *
 *   node services/auth/keys-main.ts list
 *   node services/auth/keys-main.ts rotate token|action
 *   node services/auth/keys-main.ts withdraw token|action <kid>
 */
import { parseKeysDir } from './config.ts';
import { KEY_KINDS, type KeyKind } from './keys/key-file.ts';
import { SIGNS_SINCE_EVER } from './keys/key-schedule.ts';
import { listKeys, rotateKey, withdrawKey } from './keys/key-store.ts';

const USAGE = 'usage: keys-main.ts list | rotate token|action | withdraw token|action <kid>';

function isKeyKind(word: string | undefined): word is KeyKind {
  return word === 'token' || word === 'action';
}

function list(dir: string): string {
  const time = (ms: number | undefined) =>
    ms === undefined || ms === SIGNS_SINCE_EVER ? '-' : new Date(ms).toISOString();
  const lines = KEY_KINDS.flatMap((kind) =>
    listKeys(dir, kind).map(({ kid, state, signsFromMs, verifiesUntilMs }) =>
      [kind, kid, state, time(signsFromMs), time(verifiesUntilMs)].join('\t'),
    ),
  );
  return ['kind\tkid\tstate\tsigns from\tverifies until', ...lines].join('\n');
}

/** Returns the output. Throws with one line for the operator. */
async function run(dir: string, [command, kind, kid]: readonly string[]): Promise<string> {
  if (command === 'list') return list(dir);
  if (command === 'rotate' && isKeyKind(kind)) return rotateKey(dir, kind);
  if (command === 'withdraw' && isKeyKind(kind) && kid !== undefined) {
    await withdrawKey(dir, kind, kid);
    return `withdrawn ${kid}`;
  }
  throw new Error(USAGE);
}

try {
  process.stdout.write(`${await run(parseKeysDir(process.env), process.argv.slice(2))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
