/** The gRPC methods of the outbox and of known ids, for the service `cli`. */
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import type { LogOperatorAction } from '../shared/telemetry/operator-log.ts';
import { parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import type { KnownIdsStore } from './operator/known-ids-store.ts';
import type { Delivery } from './outbox/delivery.ts';
import type { OutboxEntry, OutboxStore } from './outbox/outbox-store.ts';

const LIST_DEFAULT = 100;
const LIST_MAX = 1_000;
const REPLAY_MAX = 1_000;

export interface OperatorRpcOptions {
  outbox: Pick<OutboxStore, 'list' | 'depth' | 'replay'>;
  delivery: Pick<Delivery, 'wake'>;
  knownIds: KnownIdsStore;
  logAction: LogOperatorAction;
}

export function createOperatorRpc(options: OperatorRpcOptions): ServiceRegistration {
  const { outbox, delivery, knownIds, logAction } = options;
  return registerService(
    OperatorService,
    {
      async listOutbox({ limit }) {
        if (limit > LIST_MAX) throw new AppError('LIMIT_INVALID');
        const [entries, { pending, dead }] = await Promise.all([
          outbox.list(limit || LIST_DEFAULT),
          outbox.depth(),
        ]);
        return { entries: entries.map(toEntry), pending: BigInt(pending), dead: BigInt(dead) };
      },

      async replayOutbox({ ids }, context) {
        if (ids.length > REPLAY_MAX) throw new AppError('BATCH_SIZE_INVALID');
        const replayed = await outbox.replay(ids.length === 0 ? 'dead' : ids);
        delivery.wake();
        logAction(context, 'outbox replayed', { ids: ids.length === 0 ? 'all dead' : ids, replayed });
        return { replayed: BigInt(replayed) };
      },

      async findPlayer({ userId }) {
        return { known: await knownIds.hasPlayer(parseUserId(userId)) };
      },

      async findBoard({ leaderboard }) {
        return { known: await knownIds.hasBoard(parseLeaderboard(leaderboard)) };
      },
    },
    { listOutbox: ['cli'], replayOutbox: ['cli'], findPlayer: ['cli'], findBoard: ['cli'] },
  );
}

function toEntry({ state, createdAtMs, nextAttemptAtMs, leaderboards, ...entry }: OutboxEntry) {
  return {
    ...entry,
    dead: state === 'dead',
    createdAtUnixMs: BigInt(Math.floor(createdAtMs)),
    nextAttemptAtUnixMs: BigInt(Math.floor(nextAttemptAtMs)),
    leaderboards: [...leaderboards],
  };
}
