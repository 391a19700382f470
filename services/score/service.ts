/** Composes the score service: connections, rooms, ports. It opens them in order and closes them in reverse. */
import { openServicePorts, type RunningPorts } from '../shared/process/service-ports.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import { createReadPlayerStates } from '../shared/stores/postgres/player-state-store.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics, type Metrics } from '../shared/telemetry/metrics.ts';
import { createOperatorLog } from '../shared/telemetry/operator-log.ts';
import { createAcceptStore } from './accept/accept-store.ts';
import { createFindLocked } from './accept/locked-players-store.ts';
import { createPostgresBreaker } from './accept/postgres-breaker.ts';
import { createSkipLocked } from './accept/skip-locked.ts';
import { createAudit } from './audit/audit.ts';
import { createForgetPlayer } from './boards/forget-player.ts';
import { createRankBoards } from './boards/rank-boards.ts';
import { createRankWatch } from './boards/rank-watch.ts';
import { createBoardCatalog } from './catalog/board-catalog.ts';
import { createBoardStore } from './catalog/board-store.ts';
import { createBoardsRpc } from './catalog/boards-rpc.ts';
import { createSettingsStore } from './catalog/settings-store.ts';
import type { ScoreConfig } from './config.ts';
import { createCorrectionStore } from './corrections/correction-store.ts';
import { createCorrectionsRpc } from './corrections/corrections-rpc.ts';
import { createHidePlayers } from './corrections/hide-players.ts';
import { createQuarantineStore } from './corrections/quarantine-store.ts';
import { createLimits } from './limits/limits.ts';
import { createRenamePlayers } from './names/rename-players.ts';
import { createRenamedStore } from './names/renamed-store.ts';
import { createKnownIdsStore } from './operator/known-ids-store.ts';
import { createOperatorRpc } from './operator-rpc.ts';
import { createDelivery } from './outbox/delivery.ts';
import { createOutboxStore } from './outbox/outbox-store.ts';
import { createOutboxWatch } from './outbox/outbox-watch.ts';
import { createScoreRpc } from './rpc.ts';
import { openServers, type Servers } from './servers.ts';
import { createSubmitScores } from './submit/submit-scores.ts';
import { createSignatureVerifier } from './submit/verify-signatures.ts';
import { createSigns, untilBeat } from './upkeep/signs.ts';

export type ScoreServer = RunningPorts;

export async function startScore(
  config: ScoreConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<ScoreServer> {
  const metrics = createMetrics('score');
  const servers = await openServers(config, { log, clock, metrics });
  const rooms = createRooms(config, { servers, log, metrics });
  const { submitScores, delivery, outboxWatch, rankWatch, breaker, limits, catalog } = rooms;
  const { audit, operatorRpc, boardsRpc, correctionsRpc, renames, hiding } = rooms;

  await Promise.all([limits.start(), catalog.start(), rankWatch.start()]);
  delivery.start();
  outboxWatch.start();
  audit.start();
  renames.start();
  hiding.start();
  return openServicePorts({
    config,
    services: [createScoreRpc(submitScores), operatorRpc, boardsRpc, correctionsRpc, limits.rpc, audit.rpc],
    readiness: (serving) => ({ serving }),
    // None of them makes the process unready: without Postgres each submission is refused with a retry time, and without
    // the others submissions are accepted.
    dependencies: () => ({
      postgres: breaker.trouble() ?? outboxWatch.trouble(),
      rank: rankWatch.trouble(),
      nats: servers.bus.trouble(),
    }),
    async drain() {
      await submitScores.close();
      await delivery.stop();
      const rooms = [outboxWatch, rankWatch, limits, catalog, breaker, audit, renames, hiding];
      await Promise.all(rooms.map((room) => room.stop()));
      await servers.close();
    },
    ...{ log, metrics },
  });
}

function createRooms(
  config: ScoreConfig,
  { servers, log, metrics }: { servers: Servers; log: Log; metrics: Metrics },
) {
  const { writePool, upkeepPool, auditPool, auth, bus, rank, rankStream, rankIndex } = servers;
  const signs = createSigns(upkeepPool);
  const { hasDueRows, limitsVersion: readVersion, lastPosition, outboxDepth: readDepth } = signs;
  const everyMs = untilBeat;
  const logAction = createOperatorLog(log);
  const audit = createAudit({
    seals: { lastPosition, everyMs },
    ...{ pool: auditPool, key: config.auditKey, keySource: config.auditKeySource },
    ...{ newKeyAfter: config.newAuditKeyAfter, forgetPlayer: createForgetPlayer(rankIndex), log, metrics },
    logAction,
  });
  const rankWatch = createRankWatch({ rank, log, metrics });
  const boards = createRankBoards({
    ...{ stream: rankStream, calls: rank, watch: rankWatch, waitMs: config.rankWaitMs, log },
  });
  const outbox = createOutboxStore(upkeepPool);
  const outboxWatch = createOutboxWatch({ readDepth, everyMs, log, metrics });
  const readStates = createReadPlayerStates(upkeepPool);
  const delivery = createDelivery({
    ...{ outbox, sweeps: { hasDueRows, everyMs }, readStates, boards, publisher: bus, log, metrics },
  });
  const renames = createRenamePlayers({ store: createRenamedStore(upkeepPool), index: rankIndex, log });
  const hiding = createHidePlayers({
    ...{ store: createQuarantineStore(upkeepPool), delivery, hasChanges: signs.hasQuarantineChanges },
    ...{ everyMs, log },
  });
  const breaker = createPostgresBreaker({ pool: writePool, log, metrics });
  const limits = createLimits({
    ...{ writePool, upkeepPool, readVersion, everyMs, log, logAction, metrics },
    onQuarantine: hiding.wake,
  });
  const catalog = createBoardCatalog({
    ...{ store: createBoardStore(upkeepPool), createsBoards: config.boardsByFirstScore },
    ...{ readVersion, everyMs, log },
  });
  const submitScores = createSubmitScores({
    verifier: createSignatureVerifier(auth, metrics),
    store: createAcceptStore(writePool),
    skipLocked: createSkipLocked({ findLocked: createFindLocked(writePool), log, metrics }),
    ...{
      breaker,
      outbox: outboxWatch,
      catalog,
      limits,
      boards,
      delivery,
      rejected: audit.rejected,
      log,
      metrics,
    },
    isDeniedName: config.isDeniedName,
  });
  const knownIds = createKnownIdsStore(upkeepPool);
  const operatorRpc = createOperatorRpc({ outbox, delivery, knownIds, logAction });
  const boardsRpc = createBoardsRpc({ settings: createSettingsStore(upkeepPool), logAction });
  const corrections = createCorrectionStore(upkeepPool);
  const correctionsRpc = createCorrectionsRpc({ store: corrections, delivery, logAction });
  return {
    ...{ submitScores, delivery, outboxWatch, rankWatch, breaker, limits, catalog },
    ...{ audit, operatorRpc, boardsRpc, correctionsRpc, renames, hiding },
  };
}
