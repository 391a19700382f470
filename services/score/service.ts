/** Wires the score service: stores, rank, bus, use cases, rpc. Opens in order and closes in reverse. */

import { AppError } from '../shared/errors/app-error.ts';
import { atMost } from '../shared/flow/at-most.ts';
import { startGrpcServer } from '../shared/grpc/grpc.ts';
import { startAdminServer } from '../shared/http/admin-server.ts';
import type { RunningService } from '../shared/process/run-process.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import { createReadPlayerStates } from '../shared/stores/player-state-store.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics, type Metrics } from '../shared/telemetry/metrics.ts';
import { createAudit } from './audit/audit.ts';
import type { KeepRejected } from './audit/keep-rejected.ts';
import { createRankBoards } from './boards/rank-boards.ts';
import { createRankWatch } from './boards/rank-watch.ts';
import type { ScoreConfig } from './config.ts';
import { createLimits } from './limits/limits.ts';
import { createOperatorRpc } from './operator-rpc.ts';
import { createDelivery } from './outbox/delivery.ts';
import { createOutboxStore, type OutboxStore } from './outbox/outbox-store.ts';
import { createOutboxWatch } from './outbox/outbox-watch.ts';
import { createScoreRpc } from './rpc.ts';
import { openServers, type Servers } from './servers.ts';
import { createAcceptStore } from './submit/accept-store.ts';
import { createStoreBreaker } from './submit/store-breaker.ts';
import { createSubmitScores } from './submit/submit-scores.ts';
import { createSignatureVerifier } from './submit/verify-signatures.ts';

export interface ScoreServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

const PROBE_LIMIT_MS = 500;
/** When there is room in a full outbox again depends on the bus; clients ask now and then. */
const OUTBOX_FULL_RETRY_MS = 5_000;
/** An erased player is out of the index within this, or left to the reconciler. */
const FORGET_LIMIT_MS = 2_000;
/** Part of the drain for deliveries under way. What is not delivered by then is safe in the outbox. */
const DELIVERY_DRAIN_MS = 4_000;

export async function startScore(
  config: ScoreConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<ScoreServer> {
  const servers = await openServers(config, { log, clock });
  const metrics = createMetrics('score');
  const outbox = createOutboxStore(servers.upkeepPool);
  const audit = createAudit({
    ...{ pool: servers.auditPool, key: config.auditKey, keySource: config.auditKeySource },
    ...{ newKeyAfter: config.newAuditKeyAfter, log, metrics },
    async forgetPlayer(leaderboard, userId) {
      await servers.rankIndex.forgetPlayer({ leaderboard, userId }, { deadlineMs: FORGET_LIMIT_MS });
    },
  });
  const { delivery, outboxWatch, rankWatch, breaker, limits, submitScores } = createSubmission({
    ...{ servers, outbox, rejected: audit.rejected, log, metrics },
  });

  await Promise.all([limits.start(), rankWatch.start()]);
  delivery.start();
  outboxWatch.start();
  audit.start();
  const grpc = await startGrpcServer({
    host: config.host,
    port: config.port,
    services: [createScoreRpc(submitScores), createOperatorRpc({ outbox, delivery }), limits.rpc, audit.rpc],
    ...config.callers,
    reflection: config.reflection,
    log,
    metrics,
  });
  let serving = true;
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics,
    readiness: () => ({ serving }),
    // Without Postgres submissions are refused, but each is told so; without the others they are accepted.
    dependencies: () => ({
      postgres: breaker.trouble() ?? outboxWatch.trouble(),
      rank: rankWatch.trouble(),
      nats: servers.bus.trouble(),
    }),
    log,
  });

  return {
    port: grpc.port,
    adminPort: admin.port,
    async stop() {
      serving = false;
      await grpc.stop();
      await submitScores.close();
      await atMost(DELIVERY_DRAIN_MS, delivery.stop());
      await Promise.all([outboxWatch, rankWatch, limits, breaker, audit].map((part) => part.stop()));
      await servers.close();
      await admin.close();
    },
  };
}

interface SubmissionOptions {
  servers: Servers;
  outbox: OutboxStore;
  rejected: Pick<KeepRejected, 'note'>;
  log: Log;
  metrics: Metrics;
}

/** Everything between a submission and its delivery, and what may hold submissions back. */
function createSubmission({ servers, outbox, rejected, log, metrics }: SubmissionOptions) {
  const { writePool, upkeepPool, auth, bus, rank, rankStream } = servers;
  const rankWatch = createRankWatch({ rank, onBack: () => delivery.wake(), log, metrics });
  const boards = createRankBoards({ stream: rankStream, calls: rank, watch: rankWatch, log });
  const readStates = createReadPlayerStates(upkeepPool);
  const delivery = createDelivery({ outbox, readStates, boards, publisher: bus, log, metrics });
  const outboxWatch = createOutboxWatch({
    ...{ outbox, log, metrics },
    checkWritable: () => upkeepPool.checkWritable(PROBE_LIMIT_MS),
  });
  const breaker = createStoreBreaker({
    store: createAcceptStore(writePool),
    probe: () => writePool.checkWritable(PROBE_LIMIT_MS),
    ...{ log, metrics },
  });
  const outboxFull = () => new AppError('OUTBOX_FULL', { retryAfterMs: OUTBOX_FULL_RETRY_MS });
  const limits = createLimits({ writePool, upkeepPool, breaker, log, metrics });
  const submitScores = createSubmitScores({
    store: breaker.store,
    limited: limits.lane,
    verifier: createSignatureVerifier(auth, metrics),
    boards,
    delivery: {
      deliver(outboxId, projected) {
        for (const { players } of projected) limits.noteAccepted(players);
        delivery.deliver(outboxId, projected);
      },
    },
    onRefused: rejected.note,
    shed: () => breaker.refusal() ?? (outboxWatch.isFull() ? outboxFull() : undefined),
    ...{ log, metrics },
  });
  return { delivery, outboxWatch, rankWatch, breaker, limits, submitScores };
}
