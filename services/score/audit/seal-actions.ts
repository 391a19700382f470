/**
 * Seals committed actions: link after link until nothing waits, off the path of a submission. Every score service tries;
 * the number of a link decides who made it, and whoever comes second begins again from what is sealed by then. It counts
 * the backlog and tells the operator, once an episode, when sealing falls behind.
 */
import {
  type AuditHead,
  type AuditLink,
  auditHeadAfter,
  formatAuditHead,
} from '../../shared/audit-chain/audit-chain.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { AuditStore } from './audit-store.ts';
import { createSealedFloor } from './sealed-floor.ts';

export interface SealActions {
  start(): void;
  stop(): Promise<void>;
}

export interface SealActionsOptions {
  store: Pick<AuditStore, 'head' | 'backlog' | 'candidates' | 'append'>;
  key: Buffer;
  log: Log;
  metrics: Metrics;
}

/** What is not sealed could still be changed unseen; a second is also long enough to give a link many batches. */
const SEAL_EVERY_MS = 1_000;
/** At most 20,000 actions: a tenth of a second of Postgres' time, and what a verifier reads for one link. */
const MAX_BATCHES = 40;
/** Far above any restart of a server that we know; from here on somebody should look. */
const OVERDUE_SECONDS = 60;

/** The link that follows a head and seals, or records, what is given. */
export function nextLink(
  key: Buffer,
  before: AuditHead,
  contents: Pick<AuditLink, 'actions' | 'digest' | 'erased'>,
): AuditLink {
  const link = { seq: before.seq + 1n, ...contents };
  return { ...link, head: auditHeadAfter(key, before, link) };
}

export function createSealActions({ store, key, log, metrics }: SealActionsOptions): SealActions {
  const floor = createSealedFloor();
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
    const from = floor.next();
    while (!stopped) {
      // The head first: if another link is made after this, ours does not get its number.
      const before = await store.head();
      const candidates = await store.candidates(MAX_BATCHES, from);
      if (candidates === undefined) break;
      const { batches, actions, digest } = candidates;
      const link = nextLink(key, before, { actions, digest, erased: new Uint8Array() });
      // Another process is at it: no need for two.
      if (!(await store.append(link, batches))) break;
      sealed.inc(Number(actions));
      log.debug({ head: formatAuditHead(link), actions: Number(actions) }, 'actions sealed');
    }
    const { sealedBelow, ...waiting } = await store.backlog(from);
    floor.sawSealedBelow(sealedBelow);
    backlog = waiting;
    const wasOverdue = overdue;
    overdue = backlog.oldestSeconds > OVERDUE_SECONDS;
    if (overdue && !wasOverdue) log.error(backlog, 'the audit chain is overdue: actions are not sealed');
    if (!overdue && wasOverdue) log.info(backlog, 'the audit chain is no longer overdue');
  }

  const loop = createLoop({ name: 'seal actions', everyMs: SEAL_EVERY_MS, run: seal, log });
  return {
    start: () => loop.start(),
    async stop() {
      stopped = true;
      await loop.stop();
    },
  };
}
