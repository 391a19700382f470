/** The operator's gRPC face of the audit log, for the service `cli` alone. It reads; the caller holds the key and judges. */
import { AuditService } from '../../../gen/scoreboard/score/v1/audit_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../../shared/grpc/grpc.ts';
import { parseUserId } from '../../shared/values/identifiers.ts';
import type { AuditStore } from './audit-store.ts';
import type { ErasePlayer } from './erase-player.ts';
import type { RejectedStore } from './rejected-store.ts';

const LINKS_PAGE = 500;
/** With every field at its limit they fit into one message. */
const ACTIONS_PAGE = 1_500;
/** At most 2,000 batches: a second's work. */
const STRAY_STRETCH = 2_000_000n;
const STRAYS_MAX = 100;
const REJECTED_DEFAULT = 100;
const REJECTED_MAX = 1_000;

export interface AuditRpcOptions {
  audit: Pick<AuditStore, 'head' | 'backlog' | 'links' | 'actions' | 'strays'>;
  rejected: Pick<RejectedStore, 'list'>;
  erasePlayer: ErasePlayer;
}

export function createAuditRpc({ audit, rejected, erasePlayer }: AuditRpcOptions): ServiceRegistration {
  return registerService(
    AuditService,
    {
      async getAuditHead() {
        const [{ seq, head }, { batches }] = await Promise.all([audit.head(), audit.backlog()]);
        return { seq, head: new Uint8Array(head), unsealedBatches: BigInt(batches) };
      },

      async listAuditLinks({ afterSeq }) {
        return { links: await audit.links(afterSeq, LINKS_PAGE) };
      },

      async listAuditActions({ seq, afterPosition }) {
        return { actions: await audit.actions(seq, afterPosition, ACTIONS_PAGE) };
      },

      async findStrayActions({ afterPosition }) {
        const { strays, next } = await audit.strays(afterPosition, STRAY_STRETCH, STRAYS_MAX);
        return { strays, nextPosition: next ?? 0n };
      },

      async listRejected({ userId, limit }) {
        if (limit > REJECTED_MAX) throw new AppError('LIMIT_INVALID');
        const player = userId === '' ? '' : parseUserId(userId);
        const rows = await rejected.list(player, limit || REJECTED_DEFAULT);
        return {
          rejected: rows.map(({ attempts, firstAtUnixMs, ...row }) => ({
            ...row,
            attempts: BigInt(attempts),
            firstAtUnixMs: BigInt(Math.floor(firstAtUnixMs)),
          })),
        };
      },

      async erasePlayer({ userId }) {
        const { link, leaderboards } = await erasePlayer(parseUserId(userId));
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
