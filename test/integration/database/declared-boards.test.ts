/** Boards that a file declares, applied by the migration to a real Postgres. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeclaredBoard } from '../../../services/database/boards-file.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';

let dir: string;
let server: Awaited<ReturnType<typeof startTestPostgres>>;
let sql: Sql;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-declared-'));
  server = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  await migrate({ url: server.url, log: createSilentLog() });
  sql = connectPostgres({
    ...{ url: server.url, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
  });
});
afterAll(async () => {
  await sql?.end();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

const LAPS: DeclaredBoard = { name: 'laps', operator: 'best', order: 'ascending', decimals: 3, unit: "s'" };
const POINTS: DeclaredBoard = { name: 'points', operator: 'sum', order: 'descending', decimals: 0, unit: '' };

const apply = (...boards: DeclaredBoard[]) => migrate({ url: server.url, log: createSilentLog(), boards });
const stored = () =>
  sql`select name, operator, sort_order as "order", decimals, unit from boards where name <> 'global' order by name`;

it('creates those that are missing, and changes nothing the second time', async () => {
  await apply(LAPS, POINTS);
  expect(await stored()).toEqual([LAPS, POINTS]);
  await apply(LAPS, POINTS);
  expect(await stored()).toEqual([LAPS, POINTS]);
});

it('changes what may change, keeps boards that are not declared, and refuses the others as a whole', async () => {
  await sql`update boards set has_scores = true where name = 'laps'`;
  const other: DeclaredBoard = { ...POINTS, operator: 'last', decimals: 2 };
  await apply({ ...LAPS, unit: 'sec' }, other);
  expect(await stored()).toEqual([{ ...LAPS, unit: 'sec' }, other]);
  await apply(other);
  expect(await stored()).toHaveLength(2);
  for (const change of [{ operator: 'sum' }, { order: 'descending' }, { decimals: 0 }] as const) {
    const refused = apply({ ...POINTS, name: 'another' }, { ...LAPS, ...change }, POINTS);
    await expect(refused).rejects.toThrow('the board laps has scores');
    expect(await stored()).toEqual([{ ...LAPS, unit: 'sec' }, other]);
  }
});
