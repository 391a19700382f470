/**
 * The one door to ioredis. A command either runs now, once, or fails within a limit: nothing is queued while offline
 * and nothing is sent again by the library, since an old write that arrives late is worse than one that failed.
 */
import { createHash } from 'node:crypto';
import { Redis, ReplyError } from 'ioredis';
import { Secret } from '../settings/secret.ts';
import type { Log } from '../telemetry/log.ts';
import { createRepeatedWarning } from '../telemetry/repeated-log.ts';

export interface RedisOptions {
  url: Secret | string;
  /** Shown in CLIENT LIST. */
  connectionName: string;
  /** Milliseconds until a command fails. */
  commandTimeoutMs: number;
  log: Log;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection on which commands were sent and nothing came back is dead, whatever the system thinks of it. */
const SILENT_LIMIT_MS = 2_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 1_000;

export type RedisClient = Redis;

/** Starts to connect and keeps reconnecting for ever; `status === 'ready'` tells whether a command would be sent. */
export function connectRedis({ url, connectionName, commandTimeoutMs, log }: RedisOptions): RedisClient {
  const redis = new Redis(Secret.of(url).reveal(), {
    connectionName,
    commandTimeout: commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENT_LIMIT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(RECONNECT_MIN_MS * attempt, RECONNECT_MAX_MS),
    // A node that turned read-only was demoted: leave it and find the primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  const warn = createRepeatedWarning(log, 'redis connection');
  redis.on('error', (error) => warn({ err: error }));
  return redis;
}

/** What Redis says of itself first, and what that means to an operator. */
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

/** Why Redis does not serve us, by the error of a command. */
export function describeRedisTrouble(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const known = TROUBLES.find(([says]) => says.test(message))?.[1];
  if (known !== undefined) return known;
  return error instanceof ReplyError ? `it answers "${message}"` : 'it does not answer';
}

/** For a client that is not ready: no command has been sent. */
export const NOT_CONNECTED = 'not connected';

/** A script's answer; its keys and arguments are whatever the script says. */
export type RedisScript = (keys: readonly string[], args: ReadonlyArray<string | number>) => Promise<unknown>;

/** By what Redis calls a script. */
export function scriptDigest(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/**
 * A script as a command. Only its digest is sent: where services may not bring scripts of their own, somebody else has
 * loaded it, or does so within a moment. A Redis that does not know it is sent the text once, if it takes it.
 */
export function createScript(redis: RedisClient, text: string): RedisScript {
  const digest = scriptDigest(text);
  return async (keys, args) => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.eval(text, keys.length, ...keys, ...args).catch((refused: unknown) => {
        // Who may not bring the script waits for the one who may.
        throw refused instanceof Error && refused.message.startsWith('NOPERM') ? error : refused;
      });
    }
  };
}
