/** Wires the auth service: keys, profiles, gRPC and the operator's side door. Closed in reverse order. */

import { startGrpcServer } from '../shared/grpc/grpc.ts';
import { startAdminServer } from '../shared/http/admin-server.ts';
import type { RunningService } from '../shared/process/run-process.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import type { AuthConfig } from './config.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { createAuthMetrics } from './metrics.ts';
import { createProfileStore } from './profiles/profile-store.ts';
import { authRegistration } from './rpc.ts';
import { openRevocationList } from './tokens/revocation-list.ts';

export interface AuthServiceHandle extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

export async function startAuth(
  config: AuthConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<AuthServiceHandle> {
  const opened: (() => void | Promise<void>)[] = [];
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const registry = createMetrics('auth');
    const metrics = createAuthMetrics(registry);
    const keys = await openKeyRing({ dir: config.keysDir, clock, log });
    opened.push(() => keys.close());
    const revocations = openRevocationList({ dir: config.keysDir, clock, log });
    opened.push(() => revocations.close());
    const profiles = createProfileStore({
      databaseUrl: config.databaseUrl,
      log,
      onBatch: metrics.profilesWritten,
    });
    opened.push(() => profiles.close());
    const admin = await startAdminServer({
      host: config.adminHost,
      port: config.adminPort,
      metrics: registry,
      readiness: () => ({ keys: keys.canSign() }),
      dependencies: () => ({
        // Only new tokens need it: without it actions are verified and keys handed out as ever.
        database: profiles.trouble(),
        // What the operator changes in these files takes effect only while they can be read.
        keyFiles: keys.isCurrent() ? undefined : 'the key files can not be read: see the log of auth',
        revocations: revocations.isCurrent()
          ? undefined
          : 'the list of revocations can not be read: see the log of auth',
      }),
      log,
    });
    opened.push(() => admin.close());
    const server = await startGrpcServer({
      host: config.host,
      port: config.port,
      services: [authRegistration({ config, keys, revocations, profiles, metrics, clock })],
      ...config.callers,
      reflection: config.reflection,
      log,
      metrics: registry,
    });
    opened.push(() => server.stop());
    return { port: server.port, adminPort: admin.port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
