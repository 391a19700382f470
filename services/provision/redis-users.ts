/**
 * The users of Redis with their rights, and the scripts that are loaded for them. A service runs our scripts by digest and can't
 * load others, so that an attacker in control of a service can't run scripts of his own. The user `loader` loads them, and may
 * do nothing else.
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_NAMESPACE, redisPrefix } from '../shared/stores/names.ts';
import { STORE_USERS, type StorePasswords, type StoreUser } from './store-passwords.ts';

/**
 * Commands that the client library sends by itself, and INFO for the run id and the start checks. CLIENT SETINFO, which older servers
 * do not know, is not needed.
 */
const CONNECTING = '+ping +info +client|setname';

/** Keys and commands in Redis' syntax. Commands inside a script need the rights of its caller. */
function rightsIn(namespace: string): Readonly<Record<StoreUser<'redis'>, string>> {
  const prefix = redisPrefix(namespace);
  // Single keys, and keys that begin with an epoch.
  const index = ['epoch', 'probe', 'deployment', '[0-9]*:*'].map((key) => `~${prefix}${key}`).join(' ');
  return {
    // SCAN, which lists the names of all keys, finds old epochs.
    rank: `${index} ${CONNECTING} +evalsha +scan +unlink +get +set +hget +hmget +hset +hdel +hlen +hexists +hincrby +hscan +zadd +zrem +zcard +zrank +zrange +zscore +zscan`,
    edge: `~${prefix}rate:* ${CONNECTING} +evalsha +time +get +set`,
    loader: `${CONNECTING} +script|load +script|exists`,
    // The operator.
    admin: '~* &* +@all',
  };
}

/** The text of Redis' `aclfile`. It contains digests of the passwords, and disables access without a user. */
export function aclFile(passwords: StorePasswords<'redis'>, namespace: string = DEFAULT_NAMESPACE): string {
  const rights = rightsIn(namespace);
  const lines = STORE_USERS.redis.map((user) => {
    const digest = createHash('sha256').update(passwords[user]).digest('hex');
    return `user ${user} on resetchannels -@all ${rights[user]} #${digest}`;
  });
  return `${['user default off', ...lines].join('\n')}\n`;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface LoadedScript {
  /** The name of its file without the extension. */
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
