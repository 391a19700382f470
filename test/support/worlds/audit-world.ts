/** A Postgres with the product's schema, and the parts that seal it, without the rest of the product. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../../services/database/migrate.ts';
import { createAcceptStore } from '../../../services/score/accept/accept-store.ts';
import { createAuditStore } from '../../../services/score/audit/audit-store.ts';
import { createSealActions, type SealActions } from '../../../services/score/audit/seal-actions.ts';
import { createSigns, untilBeat } from '../../../services/score/upkeep/signs.ts';
import { createAuditKey, parseAuditKey } from '../../../services/shared/audit-chain/audit-chain.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { createPostgresPool } from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import { startTestPostgres } from '../servers/test-postgres.ts';
import { waitFor } from '../wait-for.ts';

export type AuditWorld = Awaited<ReturnType<typeof startAuditWorld>>;

const LIMIT_MS = 10_000;

export async function startAuditWorld() {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-audit-'));
  const postgres = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  await migrate({ url: postgres.url, log: createSilentLog() });
  const options = {
    url: postgres.url,
    connections: 4,
    applicationName: 'test',
    statementTimeoutMs: LIMIT_MS,
  };
  const pool = createPostgresPool(options);
  const sql = connectPostgres({ ...options, connections: 1 });
  const store = createAuditStore(pool);
  const accepts = createAcceptStore(pool);
  const key = parseAuditKey(createAuditKey());

  return {
    ...{ databaseUrl: postgres.url, pool, sql, store, key },
    /** One commit: each of these players gets these points. */
    async accept(userIds: readonly string[], actionId: string, points = 5n): Promise<void> {
      const base = { leaderboard: 'global', operator: 'sum', points } as const;
      await accepts.insert(
        userIds.map((userId, at) => ({ ...base, userId, username: '', actions: 1, reachedAt: at + 1 })),
        userIds.map((userId) => ({
          ...base,
          ...{ userId, actionId, keyId: 'k1', caller: 'edge', pointsAfter: 0n, actionsAfter: 0 },
        })),
        LIMIT_MS,
      );
    },
    /** One more process that seals. */
    createSealer(): SealActions {
      const metrics = createMetrics('test', { runtime: false });
      const { lastPosition } = createSigns(pool);
      return createSealActions({
        ...{ store, lastPosition, everyMs: untilBeat, key, log: createSilentLog(), metrics },
      });
    },
    /** Seals until nothing waits. */
    async sealAll(): Promise<void> {
      const sealer = this.createSealer();
      sealer.start();
      await this.untilSealed();
      await sealer.stop();
    },
    async untilSealed(): Promise<void> {
      await waitFor(async () => (await store.backlog()).batches === 0 || undefined, {
        describe: 'a log that is sealed',
      });
    },
    async stop(): Promise<void> {
      await Promise.all([sql.end(), pool.close()]);
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
