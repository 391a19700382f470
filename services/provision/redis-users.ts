/**
 * Who may do what in Redis: its list of users, and the scripts that are loaded for them. A service runs our scripts by
 * their digests and can send no new ones: what a script could do beyond its commands is closed to whoever takes over a
 * service. So somebody else has to load them: the user `loader`, who may do nothing else.
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STORE_USERS, type StorePasswords, type StoreUser } from './store-passwords.ts';

/**
 * What the client library sends by itself, and the run id and limits that the start checks ask for. It does without CLIENT
 * SETINFO, which older servers do not know.
 */
const CONNECTING = '+ping +info +client|setname';

/** Keys and commands, as Redis writes them. A command that a script calls counts as the caller's. */
const RIGHTS: Readonly<Record<StoreUser<'redis'>, string>> = {
  // The pointer, and the keys that begin with the number of an epoch. SCAN tells the names of all keys: to find old epochs.
  rank: `~sb:epoch ~sb:probe ~sb:[0-9]*:* ${CONNECTING} +evalsha +scan +unlink +get +set +hget +hmget +hset +hdel +hlen +hexists +hincrby +hscan +zadd +zrem +zcard +zrank +zrange +zscore +zscan`,
  edge: `~sb:rate:* ${CONNECTING} +evalsha +time +get +set`,
  loader: `${CONNECTING} +script|load +script|exists`,
  // The operator.
  admin: '~* &* +@all',
};

/** The text of Redis' `aclfile`. It holds digests of the passwords, and shuts out who gives none. */
export function aclFile(passwords: StorePasswords<'redis'>): string {
  const lines = STORE_USERS.redis.map((user) => {
    const digest = createHash('sha256').update(passwords[user]).digest('hex');
    return `user ${user} on resetchannels -@all ${RIGHTS[user]} #${digest}`;
  });
  return `${['user default off', ...lines].join('\n')}\n`;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface LoadedScript {
  /** Of its file, without the ending. */
  readonly name: string;
  readonly text: string;
}

/** Every script that a service runs. */
export function redisScripts(): readonly LoadedScript[] {
  const files = ['services/**/*.lua', 'edge/**/*.lua'].flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
  return files.map((file) => ({
    name: basename(file, '.lua'),
    text: readFileSync(join(ROOT, file), 'utf8'),
  }));
}
