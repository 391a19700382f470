import { describe, expect, it } from 'vitest';
import {
  describeRedisAddress,
  parseRedisUrl,
} from '../../../../../services/shared/stores/redis/redis-address.ts';

describe('REDIS_URL', () => {
  it.each([
    ['redis://h', 'redis://h'],
    ['rediss://u:p%40%2F@h:6380/2', 'rediss://u:p%40%2F@h:6380/2'],
    ['redis://:p@[::1]:6379', 'redis://:p@[::1]:6379'],
    ['127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['localhost:6379', 'redis://localhost:6379'],
  ])('%s is read', (url, expected) => {
    expect(parseRedisUrl({ REDIS_URL: url }).reveal()).toBe(expected);
  });

  it.each(['redis://', 'http://h', 'redis://h:port', 'redis://u:%zz@h', 'nats://h'])(
    '%s is refused',
    (url) => {
      expect(() => parseRedisUrl({ REDIS_URL: url })).toThrow(/^REDIS_URL must be an address such as redis:/);
    },
  );

  it('takes a password that is kept apart', () => {
    const url = parseRedisUrl({ REDIS_URL: 'rediss://u@h:1', REDIS_PASSWORD: 'a/b@c' }).reveal();
    expect(decodeURIComponent(new URL(url).password)).toBe('a/b@c');
  });

  it('must be for TLS when the certificate authority of Redis is given', () => {
    expect(() => parseRedisUrl({ REDIS_URL: 'redis://h', REDIS_CA_FILE: 'ca.pem' })).toThrow('use rediss://');
  });

  it('is told without its password', () => {
    expect(describeRedisAddress('rediss://u:secret@h:6380/2')).toBe('rediss://h:6380/2');
    expect(describeRedisAddress('redis://:secret@h')).toBe('redis://h:6379');
  });
});
