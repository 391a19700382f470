/**
 * The one door to ioredis. A command either runs once, now, or fails within a limit. The library queues nothing while offline and
 * resends nothing, since an old write that arrives late is worse than one that failed.
 */
import { createHash } from 'node:crypto';
import { Redis, ReplyError } from 'ioredis';
import { Secret } from '../../settings/secret.ts';
import type { Log } from '../../telemetry/log.ts';
import { createRepeatedWarning } from '../../telemetry/repeated-log.ts';
import { describeTlsTrouble, type TlsFiles, tlsOptionsOf } from '../tls-files.ts';

export interface RedisOptions {
  url: Secret | string;
  tls?: TlsFiles | undefined;
  /** Shown in CLIENT LIST. */
  connectionName: string;
  /** How long a command may take before it fails. */
  commandTimeoutMs: number;
  log: Log;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection without any answer to commands for this long is dead, even if the system reports it as open. */
const SILENT_LIMIT_MS = 2_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 1_000;

export type RedisClient = Redis;

/** Starts to connect and reconnects without end. A command is sent only while `status === 'ready'`. */
export function connectRedis({ url, tls, connectionName, commandTimeoutMs, log }: RedisOptions): RedisClient {
  const redis = new Redis(Secret.of(url).reveal(), {
    ...(tls !== undefined && { tls: tlsOptionsOf(tls) }),
    connectionName,
    commandTimeout: commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENT_LIMIT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(RECONNECT_MIN_MS * attempt, RECONNECT_MAX_MS),
    // A node that became read-only was demoted: leave it and find the primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  const warn = createRepeatedWarning(log, 'redis connection');
  redis.on('error', (error) => warn({ err: error }));
  return redis;
}

/** The beginnings of Redis' error replies, and what they mean to an operator. */
const TROUBLES: ReadonlyArray<readonly [says: RegExp, trouble: string]> = [
  [/^NOSCRIPT/, 'it lacks our scripts: run services/provision/redis-scripts-main.ts beside it'],
  [/^NOPERM/, 'it refuses our user a command: give it the rights of services/provision/redis-users.ts'],
  [/^(NOAUTH|WRONGPASS)/, 'it refuses our user: check the name and the password in REDIS_URL'],
  [/^(READONLY|MASTERDOWN)/, 'it is a read-only replica: let REDIS_URL name the primary'],
  [/^OOM/, 'it is full and takes no writes: raise its maxmemory'],
  [/^MISCONF/, 'it can not save to its disk and takes no writes: make room there'],
  [/^LOADING/, 'it is still loading its data'],
  [/^BUSY/, 'it is busy with a script that does not end'],
];

/** What is wrong with Redis, by the error of a command, and what to do about it. */
export function describeRedisTrouble(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const known = TROUBLES.find(([says]) => says.test(message))?.[1];
  if (known !== undefined) return known;
  return error instanceof ReplyError ? `it answers "${message}"` : 'it does not answer';
}

/** Why Redis does not accept the connection, for a reason that waiting does not change; undefined if it is only away. */
export function describeRedisRefusal(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : String(error);
  if (
    error instanceof ReplyError &&
    /^(NOAUTH|WRONGPASS|NOPERM|ERR (AUTH|invalid (user)?name|DB index))/i.test(message)
  )
    return `${describeRedisTrouble(error)} (${message})`;
  return describeTlsTrouble(error, 'REDIS');
}

/** What a command or a script says of a key with other contents than it expects. */
const OF_CONTENTS = /^(?:WRONGTYPE|ERR (?!Unknown Redis command).*script)/;

/** Whether a script failed at what it found in Redis, and not at the state that Redis is in. */
export function isContentError(error: unknown): boolean {
  return error instanceof Error && error instanceof ReplyError && OF_CONTENTS.test(error.message);
}

/** The trouble of a client that is not ready: no command was sent. */
export const NOT_CONNECTED = 'not connected';

/** A script as a function. Its own comment lists keys, arguments and answer. */
export type RedisScript = (keys: readonly string[], args: ReadonlyArray<string | number>) => Promise<unknown>;

/** The name of a script in Redis. */
export function scriptDigest(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/**
 * A script as a command. Only its digest is sent: where services may not load scripts, the loader has loaded it or does so
 * within a moment. When Redis does not know the digest, the text is sent once, in case it may be.
 */
export function createScript(redis: RedisClient, text: string): RedisScript {
  const digest = scriptDigest(text);
  return async (keys, args) => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.eval(text, keys.length, ...keys, ...args).catch((refused: unknown) => {
        // A user who may not load the script waits for the loader.
        throw refused instanceof Error && refused.message.startsWith('NOPERM') ? error : refused;
      });
    }
  };
}
