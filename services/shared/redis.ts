/**
 * The one door to ioredis. A command either runs now, once, or fails within a limit: nothing is queued while offline
 * and nothing is sent again by the library, since an old write that arrives late is worse than one that failed.
 */
import { Redis } from 'ioredis';
import type { Log } from './log.ts';
import { Secret } from './secret.ts';

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
  redis.on('error', (error) => log.warn({ err: error }, 'redis connection'));
  return redis;
}
