/** Wires the auth service: keys, revocations, profiles, rpc. Opens in order and closes in reverse. */
import { openServicePorts, type RunningPorts } from '../shared/process/service-ports.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import { createPostgresPool } from '../shared/stores/postgres/postgres-pool.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import type { AuthConfig } from './config.ts';
import { followFiles } from './keys/follow-files.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { createAuthMetrics } from './metrics.ts';
import { createFingerprintStore, FINGERPRINT_LIMIT_MS } from './players/fingerprint-store.ts';
import { createPlayerIds } from './players/player-ids.ts';
import { openSubjectKey } from './players/subject-key.ts';
import { createVerifyPlayer, type VerifyPlayerOptions } from './players/verify-player.ts';
import { createProfileStore } from './profiles/profile-store.ts';
import { authRegistration } from './rpc.ts';
import { createHeldAnswers } from './tokens/held-answers.ts';
import { createKeySetAnswer } from './tokens/key-set-answer.ts';
import { openRevocationList } from './tokens/revocation-list.ts';

export type AuthServiceHandle = RunningPorts;

export async function startAuth(
  config: AuthConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<AuthServiceHandle> {
  const opened: (() => void | Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const registry = createMetrics('auth');
    const metrics = createAuthMetrics(registry);
    const keys = await openKeyRing({ dir: config.keysDir, clock, log });
    const revocations = openRevocationList({ dir: config.keysDir, clock, log });
    const keySets = createHeldAnswers(createKeySetAnswer(keys, revocations));
    opened.push(
      followFiles(async () => {
        await keys.refresh();
        revocations.refresh();
        keySets.release();
      }),
    );
    const profiles = createProfileStore({
      databaseUrl: config.databaseUrl,
      schema: config.databaseSchema,
      log,
      onBatch: metrics.profilesWritten,
    });
    opened.push(() => profiles.close());
    const players = await openPlayers(config, { keys, revocations, keySets, clock, log });
    opened.push(() => players.close());
    return await openServicePorts({
      config,
      services: [
        authRegistration({ config, keys, revocations, keySets, profiles, metrics, clock, ...players }),
      ],
      readiness: () => ({ keys: keys.canSign() }),
      dependencies: () => ({
        // Only new tokens need it: without it actions are verified and key sets handed out as before.
        database: profiles.trouble(),
        subjectKey: players.playerIds.trouble(),
        // Changes that the operator makes in these files take effect only while they can be read.
        keyFiles: keys.isCurrent() ? undefined : 'the key files can not be read: see the log of auth',
        revocations: revocations.isCurrent()
          ? undefined
          : 'the list of revocations can not be read: see the log of auth',
      }),
      onStopping: () => keySets.end(),
      drain: closeAll,
      ...{ log, metrics: registry },
    });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Outside players: their user ids, and the tokens that they come with. */
async function openPlayers(
  { keysDir, databaseUrl, databaseSchema, tokenPolicy }: AuthConfig,
  parts: Omit<VerifyPlayerOptions, 'policy' | 'playerIds'>,
) {
  // Connects with the first question, so without outside players it costs Postgres nothing.
  const pool = createPostgresPool({
    url: databaseUrl,
    schema: databaseSchema,
    connections: 1,
    applicationName: 'auth-players',
    statementTimeoutMs: FINGERPRINT_LIMIT_MS,
  });
  const playerIds = createPlayerIds({
    masterKey: await openSubjectKey(keysDir),
    outside: tokenPolicy.outside,
    fingerprints: createFingerprintStore(pool),
    log: parts.log,
  });
  const players = createVerifyPlayer({ policy: tokenPolicy, playerIds, ...parts });
  return {
    playerIds,
    players,
    async close(): Promise<void> {
      players.close();
      await pool.close();
    },
  };
}
