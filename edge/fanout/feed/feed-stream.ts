/**
 * The stream that this node reads. Its own deployment has to be asked for: the node has no database, so rank tells it, once. A rank
 * service of an earlier version can't, and the stream is read unchecked then.
 */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { Secret } from '../../../services/shared/settings/secret.ts';
import type { DeploymentId } from '../../../services/shared/stores/deployment.ts';
import { type NatsNames, natsNames } from '../../../services/shared/stores/names.ts';
import { describeNatsAddresses } from '../../../services/shared/stores/nats/nats-address.ts';
import { FEED_CALL_DEADLINE_MS } from './limits.ts';

export interface FeedStream {
  readonly names: NatsNames;
  readonly deployment: DeploymentId | undefined;
  /** The addresses of NATS for messages, without passwords. */
  readonly at: string;
}

export interface FeedStreamOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'getDeployment'>;
  namespace: string;
  natsUrl: Secret;
}

/** Resolves with the stream. Rejects while rank does not answer. */
export type FindFeedStream = () => Promise<FeedStream>;

export function createFindFeedStream({ rank, namespace, natsUrl }: FeedStreamOptions): FindFeedStream {
  const names = natsNames(namespace);
  const at = describeNatsAddresses(natsUrl);
  let deployment: DeploymentId | undefined;
  return async () => {
    deployment ??= await rank.getDeployment({}, { limitMs: FEED_CALL_DEADLINE_MS }).then(
      ({ id }) => id,
      (error: unknown) => {
        if (isUnknownMethod(error)) return undefined;
        throw error;
      },
    );
    return { names, deployment, at };
  };
}

/** gRPC's code for a method that the server does not have. */
const UNIMPLEMENTED = 12;

function isUnknownMethod(error: unknown): boolean {
  const { code } = ((error instanceof AppError && error.cause) || {}) as { code?: unknown };
  return code === UNIMPLEMENTED;
}
