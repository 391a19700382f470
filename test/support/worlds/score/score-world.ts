/** The inner half of the product for tests: real servers, a real auth service, and any number of real score and rank services. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../../../services/database/migrate.ts';
import { type Clock, systemClock } from '../../../../services/shared/settings/clock.ts';
import { createSilentLog, type Log } from '../../../../services/shared/telemetry/log.ts';
import type { TokenPolicy } from '../../../../services/shared/tokens/rules/token-policy.ts';
import { metricOf, readinessOf } from '../../clients/admin-pages.ts';
import { waitFor } from '../../wait-for.ts';
import { createScoreClients } from './score-clients.ts';
import { createIdentities } from './score-identities.ts';
import { startScoreServers } from './score-servers.ts';
import { startAuthServices, startRankServices, startScoreServices } from './score-services.ts';

export type { ServerName } from './score-servers.ts';

export interface ScoreWorldOptions {
  authServices?: number;
  scoreServices?: number;
  /** The score service at an index calls the rank service at the same index, or at the remainder if there are fewer. */
  rankServices?: number;
  /** Each score service spreads its calls over all rank services instead. */
  isBalanced?: boolean;
  /** Maps a rank service's address to the one that score services use, for example that of a proxy. */
  betweenScoreAndRank?: (rankAddress: string) => Promise<string>;
  /** The default lets a busy machine answer with the rank. */
  rankWaitMs?: number;
  /** A folder with certificates, by which services then know each other. They use keys without it. */
  certificates?: string;
  /** Of the auth service. */
  clock?: Clock;
  /** Identity providers that auth knows. */
  outside?: TokenPolicy['outside'];
  /** Of the score and rank services. */
  log?: Log;
}

export type ScoreWorld = Awaited<ReturnType<typeof startScoreWorld>>;

export async function startScoreWorld({
  authServices = 1,
  scoreServices = 1,
  rankServices = 1,
  isBalanced = false,
  betweenScoreAndRank = async (address) => address,
  rankWaitMs = 5_000,
  certificates,
  log = createSilentLog(),
  clock = systemClock,
  outside = [],
}: ScoreWorldOptions) {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-world-'));
  const { roles, stopServers, ...servers } = await startScoreServers(dir);
  await migrate({ url: servers.databaseUrl, log: createSilentLog(), roles });

  const { serviceKeys, identityOf, callersOf } = createIdentities(certificates);
  const parts = { dir, servers: { ...servers, roles, stopServers }, identityOf, callersOf };
  const auth = await startAuthServices(parts, { count: authServices, clock, outside });
  const authAddress = auth.authAddresses.join(',');
  const { ranks, stopRanks, ...rank } = await startRankServices(parts, log, rankServices);
  const toRanks = await Promise.all(rank.rankAddresses.map(betweenScoreAndRank));
  const { scores, stopScores, ...score } = await startScoreServices(parts, {
    ...{ log, count: scoreServices, authAddress, rankWaitMs },
    rankAddresses: isBalanced ? [toRanks.join(',')] : toRanks,
  });
  const { closeClients, ...clients } = createScoreClients({
    ...{ identityOf, authAddress, scoreAddresses: score.scoreAddresses, rankAddresses: rank.rankAddresses },
  });
  const knowsRank = async () => {
    const each = await Promise.all(scores.map((service) => readinessOf(service)));
    return each.every(({ body }) => body.dependencies.rank === true) || undefined;
  };
  await waitFor(knowsRank, { describe: 'score services that reach rank' });
  return {
    ...{ ...servers, ...rank, ...score, ...clients },
    serviceKeys,
    /** Of all auth services. */
    authAddress,
    restartAuth: auth.restartAuth,
    /** Where the auth service keeps its keys. */
    keysDir: join(dir, 'auth-keys'),
    /** A metric of the first score service, summed over its label sets that contain the text. */
    metric: (name: string, label = '') => metricOf(scores[0], name, label),
    /** The same of the first rank service. */
    rankMetric: (name: string, label = '') => metricOf(ranks[0], name, label),
    readiness: () => readinessOf(scores[0]),
    rankReadiness: () => readinessOf(ranks[0]),
    async stop() {
      closeClients();
      await stopScores();
      await stopRanks();
      await auth.stopAuths();
      await stopServers();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
