/**
 * Seals committed actions in the background, link after link until none is left. Every score process tries. The number of a
 * link decides which one succeeds; the others start again from the new head. It measures the backlog, and logs once an
 * episode when sealing falls behind. While no process commits actions, it seldom searches for them.
 */
import {
  type AuditHead,
  type AuditLink,
  auditHeadAfter,
  formatAuditHead,
} from '../../shared/audit-chain/audit-chain.ts';
import { createLoop, type LoopOptions } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { AuditStore } from './audit-store.ts';
import { createQuiet } from './quiet.ts';
import { createSealedFloor } from './sealed-floor.ts';

export type SealActions = ReturnType<typeof createSealActions>;

export interface SealActionsOptions {
  store: Pick<AuditStore, 'head' | 'backlog' | 'candidates' | 'append'>;
  /** The last position that any process took for a batch of actions. */
  lastPosition: () => Promise<bigint | undefined>;
  /** An action that is not sealed could still be changed unnoticed. In this time a link collects many batches. */
  everyMs: LoopOptions['everyMs'];
  key: Buffer;
  log: Log;
  metrics: Metrics;
}

/** At most 20,000 actions: a tenth of a second of Postgres' time, and the most that a verifier reads for one link. */
const MAX_BATCHES = 40;
/** Far longer than any server takes to restart; beyond it, an operator should look. */
const OVERDUE_SECONDS = 60;

/** The link that follows a head and has these contents. */
export function nextLink(
  key: Buffer,
  before: AuditHead,
  contents: Pick<AuditLink, 'actions' | 'digest' | 'erased'>,
): AuditLink {
  const link = { seq: before.seq + 1n, ...contents };
  return { ...link, head: auditHeadAfter(key, before, link) };
}

export function createSealActions(options: SealActionsOptions) {
  const { store, lastPosition, everyMs, key, log, metrics } = options;
  const floor = createSealedFloor();
  const quiet = createQuiet();
  let backlog = { batches: 0, oldestSeconds: 0 };
  let overdue = false;
  let stopped = false;
  const sealed = metrics.counter('audit_actions_sealed_total', 'Actions sealed by this process.');
  metrics.gauge('audit_unsealed_batches', 'Committed batches that no link of the audit chain seals yet.', {
    collect: () => backlog.batches,
  });
  metrics.gauge('audit_unsealed_oldest_seconds', 'Age of the oldest action that is not sealed yet.', {
    collect: () => backlog.oldestSeconds,
  });

  async function seal(): Promise<void> {
    if (quiet.allowsRest(await lastPosition())) return;
    const from = floor.next();
    while (!stopped) {
      // The head is read first: if another link is made after this, ours does not get its number.
      const before = await store.head();
      const candidates = await store.candidates(MAX_BATCHES, from);
      if (candidates === undefined) break;
      const { batches, actions, digest } = candidates;
      const link = nextLink(key, before, { actions, digest, erased: new Uint8Array() });
      // Another process is sealing.
      if (!(await store.append(link, before, batches))) break;
      sealed.inc(Number(actions));
      log.debug({ head: formatAuditHead(link), actions: Number(actions) }, 'actions sealed');
    }
    const { sealedBelow, ...waiting } = await store.backlog(from);
    floor.sawSealedBelow(sealedBelow);
    backlog = waiting;
    quiet.searched(backlog.batches);
    const wasOverdue = overdue;
    overdue = backlog.oldestSeconds > OVERDUE_SECONDS;
    if (overdue && !wasOverdue) log.error(backlog, 'the audit chain is overdue: actions are not sealed');
    if (!overdue && wasOverdue) log.info(backlog, 'the audit chain is no longer overdue');
  }

  const loop = createLoop({ name: 'seal actions', everyMs, run: seal, log });
  return {
    start(): void {
      void loop.start();
    },
    async stop(): Promise<void> {
      stopped = true;
      await loop.stop();
    },
  };
}
