/** Whose index Redis holds. One without an owner, as of earlier versions, becomes ours. */
import { type DeploymentId, ForeignServerError } from '../../shared/stores/deployment.ts';
import type { RedisClient } from '../../shared/stores/redis/redis.ts';
import type { IndexKeys } from './index-keys.ts';

export interface IndexPlace {
  readonly keys: IndexKeys;
  readonly deployment: DeploymentId;
  /** The address of Redis for messages, without a password. */
  readonly at: string;
}

/** Rejects with ForeignServerError if the index belongs to another deployment, of which nothing is changed. */
export async function claimIndex(
  redis: Pick<RedisClient, 'set' | 'get'>,
  { keys, deployment, at }: IndexPlace,
): Promise<void> {
  const [, owner] = await Promise.all([
    redis.set(keys.deployment, deployment, 'NX'),
    redis.get(keys.deployment),
  ]);
  if (owner === deployment) return;
  throw new ForeignServerError(
    `the rank index in Redis at ${at} belongs to deployment ${owner}, and this is deployment ${deployment}: set NAMESPACE to another name, or, if the other one is gone, run "redis-cli del ${keys.deployment}"`,
  );
}
