/** REDIS_URL: `redis://` or, with TLS, `rediss://`, with a user, a password and a database, percent-encoded where needed. */
import { type Environment, optionalSecret, optionalText, secret, withPassword } from '../../settings/env.ts';
import { Secret } from '../../settings/secret.ts';

const REFUSAL =
  'REDIS_URL must be an address such as redis://user:password@host:6379/0, or rediss://… for TLS; characters such as / and @ in a password are percent-encoded';

/** REDIS_URL with the password that is kept apart from it. Throws if it can't be parsed; the error quotes nothing of it. */
export function parseRedisUrl(env: Environment): Secret {
  const text = secret(env, 'REDIS_URL').reveal();
  const url = URL.parse(text.includes('://') ? text : `redis://${text}`);
  if (url === null || url.hostname === '' || !/^rediss?:$/.test(url.protocol) || !isDecodable(url))
    throw new Error(REFUSAL);
  if (url.protocol === 'redis:' && optionalText(env, 'REDIS_CA_FILE') !== undefined)
    throw new Error(
      'REDIS_CA_FILE is set, and REDIS_URL begins with redis://, which is not TLS: use rediss://',
    );
  return withPassword(new Secret(url.href), optionalSecret(env, 'REDIS_PASSWORD'));
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** The address in messages: without credentials. */
export function describeRedisAddress(url: Secret | string): string {
  const address = URL.parse(Secret.of(url).reveal());
  if (address === null) return 'REDIS_URL';
  return `${address.protocol}//${address.hostname}:${address.port === '' ? '6379' : address.port}${address.pathname}`;
}
