/**
 * The Redis and the NATS that the operator gives. One that refuses us ends the start with one line before anything is started for it.
 * One that is away is done without, as the services do.
 */
import { Deadline } from '../../services/shared/flow/deadline.ts';
import type { Environment } from '../../services/shared/settings/env.ts';
import { connectNats } from '../../services/shared/stores/nats/nats.ts';
import { parseNatsAccess, parseNatsUrl } from '../../services/shared/stores/nats/nats-address.ts';
import { connectRedis } from '../../services/shared/stores/redis/redis.ts';
import { parseRedisUrl } from '../../services/shared/stores/redis/redis-address.ts';
import {
  checkRedisFromNowOn,
  refuseCluster,
  refuseEviction,
} from '../../services/shared/stores/redis/redis-checks.ts';
import { parseTlsFiles } from '../../services/shared/stores/tls-files.ts';
import { createSilentLog } from '../../services/shared/telemetry/log.ts';
import type { LocalConfig } from '../site/local-config.ts';

/** A server that works, or refuses us, answers long before. One that takes connections and is silent is looked at more closely. */
const LIMIT_MS = 4_000;

export async function checkGivenStores({
  redisUrl,
  natsUrl,
  env,
}: Pick<LocalConfig, 'redisUrl' | 'natsUrl' | 'env'>): Promise<void> {
  await Promise.all([
    redisUrl === undefined ? undefined : checkRedis(redisUrl, env),
    natsUrl === undefined ? undefined : checkNats(natsUrl, env),
  ]);
}

/** The address is whole: as in the services, no password is put into it. */
const only = (server: 'REDIS' | 'NATS', address: string): Environment => ({
  [`${server}_URL`]: address,
  [`${server}_URL_FILE`]: undefined,
  [`${server}_PASSWORD`]: undefined,
  [`${server}_PASSWORD_FILE`]: undefined,
});

async function checkRedis(address: string, env: Environment): Promise<void> {
  const url = parseRedisUrl({ ...env, ...only('REDIS', address) });
  const log = createSilentLog();
  const tls = parseTlsFiles(env, 'REDIS');
  const redis = connectRedis({
    url,
    tls,
    connectionName: 'scoreboard-local',
    commandTimeoutMs: LIMIT_MS,
    log,
  });
  try {
    const checking = checkRedisFromNowOn(redis, {
      ...{ url, tls, checks: [refuseCluster, refuseEviction], log },
    });
    await Deadline.after(LIMIT_MS).race(checking, () => {});
  } finally {
    redis.disconnect();
  }
}

async function checkNats(address: string, env: Environment): Promise<void> {
  const signal = Deadline.after(LIMIT_MS).signal();
  try {
    const connection = await connectNats({
      ...{ url: parseNatsUrl(only('NATS', address)), ...parseNatsAccess(env) },
      ...{ name: 'scoreboard-local', log: createSilentLog(), signal },
    });
    await connection.close();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
