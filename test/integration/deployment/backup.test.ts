/**
 * A backup is taken and restored as docs/operations.md says, with its own lines, into another database and a new DATA_DIR. Meanwhile
 * a page stays open, which saw scores that the backup has not.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ScoreboardLink } from '../../../edge/web/client/scoreboard-link.ts';
import { openWebSocket } from '../../../edge/web/client/socket-port.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { type DebianPostgres, startDebianPostgres } from '../../support/servers/debian-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const PAGE = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
const shell = promisify(execFile);
let home: string;
let postgres: DebianPostgres;
let stack: StackProcesses | undefined;
let link: ScoreboardLink | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'scoreboard-backup-'));
  await chmod(home, 0o755);
  postgres = await startDebianPostgres(join(home, 'postgres'));
  const sql = connectPostgres({
    ...{ url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  await sql.unsafe('create role theirs login createrole');
  for (const name of ['before', 'after']) await sql.unsafe(`create database ${name} owner theirs`);
  await sql.end();
});

afterAll(async () => {
  link?.close();
  await stack?.stop();
  await postgres?.stop();
  await rm(home, { recursive: true, force: true });
});

const databaseUrl = (name: string) => `postgres://theirs@127.0.0.1:${postgres.port}/${name}`;

/** The lines of a block of the page's section, up to `npm start`, in the folder whose `.data` is the product's. */
async function follow(block: 'Backup' | 'Restore', database: string): Promise<void> {
  const [, lines = ''] = new RegExp(`\`\`\`sh\n(# ${block}[^]*?)\`\`\``).exec(PAGE) ?? [];
  expect(lines).toContain(block === 'Backup' ? 'pg_dump' : 'pg_restore');
  const path = `${postgres.programs}:${process.env.PATH}`;
  await shell('sh', ['-euc', lines.replace(/^npm start.*$/m, '')], {
    cwd: home,
    env: { PATH: path, DATABASE_URL: databaseUrl(database) },
  });
}

const start = (database: string, env: Readonly<Record<string, string>> = {}) =>
  startStackProcesses({
    dataDir: join(home, '.data'),
    env: { ...env, DATABASE_URL: databaseUrl(database) },
  });

const counts = (action: string, points: number, newScore: number) =>
  waitFor(
    async () =>
      isDeepStrictEqual(await stack?.submit('alice', action, points), { newScore, rank: 1 }) || undefined,
    { describe: `an answer to ${action} of ${newScore}` },
  );

it('is restored as docs/operations.md says, and open pages show the restored board', async () => {
  stack = await start('before');
  await counts('a1', 100, 100);
  const token = await stack.token('alice');
  const page = new ScoreboardLink(
    { url: stack.fanoutUrl, token: () => token },
    { open: openWebSocket, network: { online: () => true, onWake: () => () => {} }, random: Math.random },
  );
  link = page;
  const shows = (score: number) =>
    waitFor(() => (page.state.status === 'live' && page.board?.entries[0]?.score === score) || undefined, {
      describe: `a page that shows ${score}`,
    });
  await shows(100);
  await follow('Backup', 'before');

  // Scores that are lost with the database: the page has seen them.
  for (const [action, score] of [
    ['a2', 150],
    ['a3', 200],
    ['a4', 250],
  ] as const)
    await counts(action, 50, score);
  await shows(250);
  await waitFor(() => page.standing?.version === 4 || undefined);
  const lost = page.board;
  await stack.stop();
  await rename(join(home, '.data'), join(home, 'lost'));

  await follow('Restore', 'after');
  stack = await start('after', stack.env);
  await shows(100);
  expect(page.board?.epoch).toBeGreaterThan(lost?.epoch ?? 0);
  // The first answer to what the backup has; what it has not counts anew.
  await counts('a1', 100, 100);
  await counts('a3', 50, 150);
  await shows(150);
  await waitFor(() => page.standing?.version === 2 || undefined);
  expect((await stack.cli(['audit', 'verify'])).code).toBe(0);
}, 240_000);
