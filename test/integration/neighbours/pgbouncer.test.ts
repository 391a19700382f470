/** The whole product behind PgBouncer in transaction mode, as Debian configures it: no parameter is ignored there. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { openPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { createPostgresPool } from '../../../services/shared/stores/postgres/postgres-pool.ts';
import { isSentAgain } from '../../support/clients/sent-again.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { type DebianPostgres, startDebianPostgres } from '../../support/servers/debian-postgres.ts';
import { startPgBouncer } from '../../support/servers/pgbouncer.ts';
import { waitFor } from '../../support/wait-for.ts';

let dir: string;
let postgres: DebianPostgres;
let pooler: LocalServer;
let stack: StackProcesses | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-pgbouncer-'));
  // Another user runs them.
  await chmod(dir, 0o711);
  postgres = await startDebianPostgres(join(dir, 'postgres'), { settings: { bytea_output: 'escape' } });
  pooler = await startPgBouncer({ dataDir: join(dir, 'pooler'), postgresPort: postgres.port, sessions: 3 });
});
afterAll(async () => {
  await stack?.stop();
  await pooler?.stop();
  await postgres?.stop();
  await rm(dir, { recursive: true, force: true });
});

const session = { connections: 4, applicationName: 'test', statementTimeoutMs: 20_000 };

it('is found to be a pooler by its refusal, without any setting', async () => {
  const pool = createPostgresPool({ url: pooler.url, ...session });
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      pool.run((sql) => sql<{ n: number }[]>`select ${n}::int as n`, 20_000),
    ),
  );
  expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 40 }, (_, n) => n));
  await pool.close();
});

it('that refuses a parameter of the address is named, with the parameter', async () => {
  const url = `${pooler.url}?options=-c%20geqo%3Doff`;
  await expect(openPostgres({ url, ...session }, 20_000)).rejects.toThrow(
    /^the pooler in front of Postgres refuses "options": remove it from the address/,
  );
});

it('accepts, ranks, seals, verifies and erases, with three sessions for all services', async () => {
  stack = await startStackProcesses({ env: { DATABASE_URL: pooler.url } });
  const submit = stack.submit.bind(stack);
  const counted = (n: number) =>
    waitFor(async () => {
      const answer = (await submit(`player${n % 6}`, `a${n}`, 10 + (n % 6))) as Record<string, unknown>;
      // A busy machine refuses some in time; each counts once all the same.
      return isSentAgain(answer.reason) ? undefined : answer;
    });
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => counted(n)));
  expect(answers.filter(({ newScore }) => !(Number(newScore) > 0))).toEqual([]);
  expect(await submit('player5', 'a5', 15)).toMatchObject({ newScore: expect.any(Number) });
  expect(await stack.cli(['verify'])).toMatchObject({ code: 0 });
  expect(await stack.cli(['audit', 'erase', 'player0'])).toMatchObject({ code: 0 });
  const verdict = await stack.cli(['audit', 'verify']);
  expect(verdict).toMatchObject({ code: 0, stdout: expect.stringMatching(/^OK: .*1 players erased/) });
});
