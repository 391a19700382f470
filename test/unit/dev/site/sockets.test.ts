import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseLocalConfig } from '../../../../dev/config.ts';
import { openSockets } from '../../../../dev/site/sockets.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'scoreboard-sockets-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const open = (env: Record<string, string> = {}) =>
  openSockets(parseLocalConfig({ DATA_DIR: dataDir, ...env }));

it('chooses a path for each listener in a folder that only its owner may enter, and that of Postgres in its own', async () => {
  const folder = join(dataDir, 'sockets');
  expect(await open()).toEqual({
    auth: join(folder, 'auth.sock'),
    score: join(folder, 'score.sock'),
    rank: join(folder, 'rank.sock'),
    redis: join(folder, 'redis.sock'),
    postgres: join(dataDir, 'postgres', 'cluster'),
  });
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toEqual([]);
});

it('chooses none in production mode, nor where the path is too long for a socket', async () => {
  expect(await open({ SCOREBOARD_MODE: 'production' })).toEqual({});
  expect(await open({ DATA_DIR: join(dataDir, 'x'.repeat(100)) })).toEqual({});
  expect(readdirSync(dataDir)).toEqual([]);
});

it('tries the folder again after a start that was killed while it tried', async () => {
  await open();
  writeFileSync(join(dataDir, 'sockets', 'try'), '');
  expect(await open()).toHaveProperty('score');
});
