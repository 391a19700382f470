/** Wires what looks after the audit log: sealing, refused attempts, erasure, and the operator's face of them. */

import { type AuditHead, parseAuditKey } from '../../shared/audit-chain/audit-chain.ts';
import { atMost } from '../../shared/flow/at-most.ts';
import type { ServiceRegistration } from '../../shared/grpc/grpc.ts';
import type { Secret } from '../../shared/settings/secret.ts';
import type { PostgresPool } from '../../shared/stores/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createAuditRpc } from './audit-rpc.ts';
import { createAuditStore } from './audit-store.ts';
import { createErasePlayer, type ErasePlayerOptions } from './erase-player.ts';
import { createErasureStore } from './erasure-store.ts';
import { createKeepRejected, type KeepRejected } from './keep-rejected.ts';
import { createOwnChainHead } from './own-chain-head.ts';
import { createRejectedStore } from './rejected-store.ts';
import { createSealActions } from './seal-actions.ts';

/** Part of the drain. What is not sealed by then another process seals, or this one after its restart. */
const DRAIN_MS = 2_000;

export interface Audit {
  readonly rejected: Pick<KeepRejected, 'note'>;
  readonly rpc: ServiceRegistration;
  start(): void;
  stop(): Promise<void>;
}

export interface AuditOptions {
  pool: PostgresPool;
  key: Secret;
  /** Where the key was read. */
  keySource: string;
  /** The head after which a new key may go on. */
  newKeyAfter: AuditHead | undefined;
  forgetPlayer: ErasePlayerOptions['removeFromIndex'];
  log: Log;
  metrics: Metrics;
}

export function createAudit({ pool, forgetPlayer, log, metrics, ...options }: AuditOptions): Audit {
  const key = parseAuditKey(options.key);
  const store = createAuditStore(pool);
  const { keySource: source, newKeyAfter } = options;
  const head = createOwnChainHead({ store, key, source, newKeyAfter, log });
  const rejectedStore = createRejectedStore(pool);
  const sealing = createSealActions({ store: { ...store, head }, key, log, metrics });
  const rejected = createKeepRejected({ store: rejectedStore, log, metrics });
  const erasePlayer = createErasePlayer({
    ...{ store: createErasureStore(pool), audit: { head }, key, log },
    removeFromIndex: forgetPlayer,
  });
  return {
    rejected,
    rpc: createAuditRpc({ audit: store, rejected: rejectedStore, erasePlayer }),
    start() {
      sealing.start();
      rejected.start();
    },
    async stop() {
      await atMost(DRAIN_MS, Promise.all([sealing.stop(), rejected.stop()]));
    },
  };
}
