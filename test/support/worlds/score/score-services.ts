/** The services of a score world: auth, and any number of score and rank services. */
import { join } from 'node:path';
import { startAuth } from '../../../../services/auth/service.ts';
import { startRank } from '../../../../services/rank/service.ts';
import type { ScoreConfig } from '../../../../services/score/config.ts';
import { startScore } from '../../../../services/score/service.ts';
import { createAuditKey, parseAuditKey } from '../../../../services/shared/audit-chain/audit-chain.ts';
import type { Clock } from '../../../../services/shared/settings/clock.ts';
import { Secret } from '../../../../services/shared/settings/secret.ts';
import { createSilentLog, type Log } from '../../../../services/shared/telemetry/log.ts';
import type { TokenPolicy } from '../../../../services/shared/tokens/rules/token-policy.ts';
import type { ScoreIdentities } from './score-identities.ts';
import type { ScoreServers } from './score-servers.ts';

const HOST = '127.0.0.1';
const LISTEN = { host: HOST, port: 0, adminHost: HOST, adminPort: 0 };

interface Parts {
  dir: string;
  servers: ScoreServers;
  callersOf: ScoreIdentities['callersOf'];
}

export async function startAuthServices(
  { dir, servers, callersOf }: Parts,
  { count, clock, outside }: { count: number; clock: Clock; outside: TokenPolicy['outside'] },
) {
  const start = (port = 0) =>
    startAuth(
      {
        ...{ ...LISTEN, port },
        databaseUrl: new Secret(servers.databaseUrlAs('auth')),
        databaseSchema: 'public',
        keysDir: join(dir, 'auth-keys'),
        tokenPolicy: { issuer: 'scoreboard', audience: 'scoreboard', outside },
        ...{ tokenLifetimeS: 600, actionLifetimeS: 900 },
        ...{ allowV0Signatures: false, callers: callersOf('auth'), reflection: true },
        isDeniedName: () => false,
      },
      { log: createSilentLog(), clock },
    );
  const auths = await startEach(count, () => start());
  const ports = auths.map(({ port }) => port);
  return {
    authAddresses: ports.map((port) => `${HOST}:${port}`),
    /** Stops an auth service and starts it again at its port. */
    async restartAuth(at: number) {
      await auths[at]?.stop();
      auths[at] = await start(ports[at]);
    },
    async stopAuths() {
      await Promise.all(auths.map((auth) => auth.stop()));
    },
  };
}

const startEach = <Service>(count: number, start: (at: number) => Promise<Service>) =>
  Promise.all(Array.from({ length: count }, (_, at) => start(at)));

export async function startRankServices({ servers, callersOf }: Parts, log: Log, count: number) {
  const start = (port = 0) =>
    startRank(
      {
        ...{ ...LISTEN, port, callers: callersOf('rank'), reflection: true },
        databaseUrl: new Secret(servers.databaseUrlAs('rank')),
        databaseSchema: 'public',
        redisUrl: new Secret(servers.redisUrlAs('rank')),
        namespace: 'scoreboard',
        natsUrl: new Secret(servers.natsUrlAs('rank')),
      },
      { log },
    );
  const ranks = await startEach(count, () => start());
  const ports = ranks.map(({ port }) => port);
  return {
    ranks,
    rankAddresses: ports.map((port) => `${HOST}:${port}`),
    /** One more rank service on the same servers. */
    startRankService: () => start(),
    async stopRank(at = 0) {
      await ranks[at]?.stop();
      delete ranks[at];
    },
    /** At the port that it had. */
    async startRank(at = 0) {
      ranks[at] = await start(ports[at]);
    },
    async stopRanks() {
      await Promise.all(ranks.map((rank) => rank.stop()));
    },
  };
}

export async function startScoreServices(
  { servers, callersOf, identityOf }: Parts & Pick<ScoreIdentities, 'identityOf'>,
  {
    log,
    count,
    authAddress,
    rankAddresses,
    rankWaitMs,
  }: {
    log: Log;
    count: number;
    authAddress: string;
    rankAddresses: readonly string[];
    rankWaitMs: number;
  },
) {
  const auditKey = createAuditKey();
  const start = (changes: Partial<ScoreConfig> = {}, at = 0, port = 0) =>
    startScore(
      {
        ...{ ...LISTEN, port, authAddress, rankAddress: rankAddresses[at % rankAddresses.length] ?? '' },
        databaseUrl: new Secret(servers.databaseUrlAs('score')),
        databaseSchema: 'public',
        namespace: 'scoreboard',
        natsUrl: new Secret(servers.natsUrlAs('score')),
        ...{ identity: identityOf('score'), callers: callersOf('score'), reflection: true },
        rankWaitMs,
        ...{ auditKey: new Secret(auditKey), auditKeySource: 'AUDIT_KEY', newAuditKeyAfter: undefined },
        ...{ isDeniedName: () => false, boardsByFirstScore: true },
        ...changes,
      },
      { log },
    );
  const scores = await startEach(count, (at) => start({}, at));
  const ports = scores.map(({ port }) => port);
  return {
    scores,
    scoreAddresses: ports.map((port) => `${HOST}:${port}`),
    auditKey: parseAuditKey(auditKey),
    /** One more score service on the same servers. Rejects with the reason if it refuses to start. */
    startScoreService: (changes: Partial<ScoreConfig> = {}) => start(changes),
    async stopScore(at = 0) {
      await scores[at]?.stop();
      delete scores[at];
    },
    /** At the port that it had. */
    async startScore(at: number) {
      scores[at] = await start({}, at, ports[at]);
    },
    async stopScores() {
      await Promise.all(scores.map((score) => score.stop()));
    },
  };
}
