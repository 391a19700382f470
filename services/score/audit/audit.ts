/** Composes the audit log: sealing, refused attempts, erasure, and the operator's methods. */
import { type AuditHead, parseAuditKey } from '../../shared/audit-chain/audit-chain.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { Secret } from '../../shared/settings/secret.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import { createAuditRpc } from './audit-rpc.ts';
import { createAuditStore } from './audit-store.ts';
import { createErasePlayer, type ErasePlayerOptions } from './erase-player.ts';
import { createErasureStore } from './erasure-store.ts';
import { createKeepRejected } from './keep-rejected.ts';
import { createOwnChainHead } from './own-chain-head.ts';
import { createRejectedStore } from './rejected-store.ts';
import { createResealActions } from './reseal-actions.ts';
import { createSealActions, type SealActionsOptions } from './seal-actions.ts';

/** Part of the drain. Another process seals what is not sealed by then, or this one after its restart. */
const DRAIN_MS = 2_000;
/** An index lists the links in question; usually there is none. */
const RESEAL_EVERY_MS = 60_000;

export type Audit = ReturnType<typeof createAudit>;

export interface AuditOptions {
  pool: PostgresPool;
  key: Secret;
  /** The setting or file that the key was read from. */
  keySource: string;
  /** The head after which a new key may continue the chain. */
  newKeyAfter: AuditHead | undefined;
  forgetPlayer: ErasePlayerOptions['forgetPlayer'];
  seals: Pick<SealActionsOptions, 'lastPosition' | 'everyMs'>;
  log: Log;
  logAction: LogOperatorAction;
  metrics: Metrics;
}

export function createAudit({ pool, forgetPlayer, seals, log, metrics, ...options }: AuditOptions) {
  const key = parseAuditKey(options.key);
  const store = createAuditStore(pool);
  const { keySource: source, newKeyAfter } = options;
  const head = createOwnChainHead({ store, key, source, newKeyAfter, log });
  const rejectedStore = createRejectedStore(pool);
  const sealing = createSealActions({ store: { ...store, head }, ...seals, key, log, metrics });
  const resealing = createLoop({
    ...{ name: 'reseal actions', everyMs: RESEAL_EVERY_MS, log },
    run: createResealActions({ store, log }),
  });
  const rejected = createKeepRejected({ store: rejectedStore, log, metrics });
  const erasePlayer = createErasePlayer({
    ...{ store: createErasureStore(pool), audit: { head }, key, forgetPlayer, log },
  });
  return {
    rejected,
    rpc: createAuditRpc({ store, rejected: rejectedStore, erasePlayer, logAction: options.logAction }),
    start(): void {
      void resealing.start();
      sealing.start();
      rejected.start();
    },
    async stop(): Promise<void> {
      const drained = Promise.all([resealing.stop(), sealing.stop(), rejected.stop()]).then(() => {});
      await Deadline.after(DRAIN_MS).race(drained, () => {});
    },
  };
}
