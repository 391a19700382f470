/** The gRPC methods of the audit log, for the service `cli`. They return the log and the chain; the caller has the key and verifies. */
import { AuditService } from '../../../gen/scoreboard/score/v1/audit_pb.ts';
import type { AuditAction } from '../../shared/audit-chain/audit-chain.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../../shared/grpc/grpc.ts';
import type { LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import { parseUserId } from '../../shared/values/identifiers.ts';
import type { AuditStore } from './audit-store.ts';
import type { ErasePlayer } from './erase-player.ts';
import type { RejectedStore } from './rejected-store.ts';

const LINKS_PAGE = 500;
/** They fit into one message with every field at its limit. */
const ACTIONS_PAGE = 1_500;
/** Positions searched in one call. At most 2,000 batches: a second's work. */
const STRAY_RANGE = 2_000_000n;
const STRAYS_MAX = 100;
const REJECTED_DEFAULT = 100;
const REJECTED_MAX = 1_000;

export interface AuditRpcOptions {
  store: Pick<AuditStore, 'head' | 'backlog' | 'links' | 'actions' | 'strays'>;
  rejected: Pick<RejectedStore, 'list'>;
  erasePlayer: ErasePlayer;
  logAction: LogOperatorAction;
}

export function createAuditRpc(options: AuditRpcOptions): ServiceRegistration {
  const { store, rejected, erasePlayer, logAction } = options;
  return registerService(
    AuditService,
    {
      async getAuditHead() {
        const [{ seq, head }, { batches }] = await Promise.all([store.head(), store.backlog()]);
        return { seq, head: new Uint8Array(head), unsealedBatches: BigInt(batches) };
      },

      async listAuditLinks({ afterSeq }) {
        return { links: await store.links(afterSeq, LINKS_PAGE) };
      },

      async listAuditActions({ seq, afterPosition }) {
        return { actions: (await store.actions(seq, afterPosition, ACTIONS_PAGE)).map(toWire) };
      },

      async findStrayActions({ afterPosition }) {
        const after = afterPosition === 0n ? undefined : afterPosition;
        const { strays, next } = await store.strays(after, STRAY_RANGE, STRAYS_MAX);
        return { strays, nextPosition: next ?? 0n };
      },

      async listRejected({ userId, limit }) {
        if (limit > REJECTED_MAX) throw new AppError('LIMIT_INVALID');
        const player = userId === '' ? undefined : parseUserId(userId);
        const rows = await rejected.list(player, limit || REJECTED_DEFAULT);
        return {
          rejected: rows.map(({ attempts, firstAtUnixMs, ...row }) => ({
            ...row,
            attempts: BigInt(attempts),
            firstAtUnixMs: BigInt(Math.floor(firstAtUnixMs)),
          })),
        };
      },

      async erasePlayer({ userId }, context) {
        const { link, leaderboards } = await erasePlayer(parseUserId(userId));
        // Without the user id: the log would keep what was erased.
        logAction(context, 'player erased', { seq: link.seq, leaderboards });
        return { seq: link.seq, head: link.head, leaderboards: [...leaderboards] };
      },
    },
    {
      getAuditHead: ['cli'],
      listAuditLinks: ['cli'],
      listAuditActions: ['cli'],
      findStrayActions: ['cli'],
      listRejected: ['cli'],
      erasePlayer: ['cli'],
    },
  );
}

/** An entry that is no correction has no such field. */
function toWire({ correction, ...action }: AuditAction) {
  return { ...action, ...(correction && { correction }) };
}
