/** A given database becomes silent in the middle of a start: the start ends with one line instead of waiting without end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureAuditKey } from '../../../dev/secrets/audit-key.ts';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { type FaultProxy, startProxy } from '../../fault/network/proxy.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

let dir: string;
let postgres: LocalServer;
let proxy: FaultProxy;
let sql: Sql;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-silent-'));
  postgres = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  await migrate({ url: postgres.url, log: createSilentLog() });
  proxy = await startProxy({ host: '127.0.0.1', port: postgres.port });
  sql = connectPostgres({
    ...{ url: postgres.url, connections: 2, applicationName: 'test', statementTimeoutMs: 60_000 },
  });
});

afterEach(async () => {
  await sql?.end({ timeout: 1 });
  await proxy?.stop();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});

it('the look at the audit chain is given up', async () => {
  const databaseUrl = postgres.url.replace(String(postgres.port), String(proxy.port));
  const released = Promise.withResolvers<void>();
  const holding = sql.begin(async (held) => {
    await held`lock table audit_links in access exclusive mode`;
    await released.promise;
  });
  await waitFor(async () => {
    const rows = await sql`select from pg_locks where mode = 'AccessExclusiveLock' and granted`;
    return rows.length > 0 || undefined;
  });
  const looking = ensureAuditKey(join(dir, 'audit.key'), {
    databaseUrl,
    schema: 'public',
    newKeyAfter: undefined,
  });
  const ended = expect(looking).rejects.toThrow('Postgres did not answer within 5000 ms');
  await waitFor(async () => {
    const rows = await sql`
      select from pg_stat_activity where application_name = 'scoreboard-local' and wait_event_type = 'Lock'`;
    return rows.length > 0 || undefined;
  });
  proxy.setMode({ kind: 'blackhole' });
  await ended;
  released.resolve();
  await holding;
});
