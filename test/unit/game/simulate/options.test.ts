import { type FileHandle, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameOf } from '../../../../services/game/simulate/names.ts';
import {
  findTarget,
  HelpRequest,
  parseOptions,
  UsageError,
} from '../../../../services/game/simulate/options.ts';
import { stackFilePath, stackLockPath } from '../../../../services/shared/identity/stack-file.ts';
import { Secret } from '../../../../services/shared/settings/secret.ts';
import { isUserId } from '../../../../services/shared/values/identifiers.ts';
import { readUsername } from '../../../../services/shared/values/username.ts';

describe('the command line of the simulation', () => {
  test('has defaults', () => {
    expect(parseOptions([])).toEqual({
      players: 1_000,
      rate: 200,
      leaderboard: 'global',
      allowRemote: false,
    });
  });

  test('takes options', () => {
    const words = '--players 5 --rate 7 --seconds 9 --leaderboard weekly --allow-remote';
    expect(parseOptions(words.split(' '))).toEqual({
      players: 5,
      rate: 7,
      seconds: 9,
      leaderboard: 'weekly',
      allowRemote: true,
    });
  });

  test.each([
    '--players 0',
    '--players 1e3',
    '--rate -1',
    '--rate 20001',
    '--seconds 0.5',
    '--leaderboard a/b',
    '--what 1',
    'word',
  ])('refuses "%s" and shows the usage', (words) => {
    const parse = () => parseOptions(words.split(' '));
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow('Usage: npm run simulate --');
  });

  test('explains every option on request', () => {
    const parse = () => parseOptions(['--help']);
    expect(parse).toThrow(HelpRequest);
    for (const name of ['players', 'rate', 'seconds', 'leaderboard', 'allow-remote']) {
      expect(parse).toThrow(`--${name} `);
    }
  });
});

describe('the scoreboard of the simulation', () => {
  const options = parseOptions([]);
  const elsewhere = { EDGE_URL: 'http://localhost:1', AUTH_ADDRESS: '127.0.0.1:2', SERVICE_KEY: 'game.x' };
  let dataDir: string;
  let supervisor: FileHandle;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-simulate-'));
    const addresses = { edgeUrl: 'http://127.0.0.1:8080', authAddress: '127.0.0.1:50051' };
    const stack = { pid: process.pid, mode: 'development', addresses, processes: {} };
    await writeFile(stackFilePath(dataDir), JSON.stringify(stack));
    // As its supervisor does while it runs.
    supervisor = await open(stackLockPath(dataDir), 'w');
    await mkdir(join(dataDir, 'secrets'));
    await writeFile(join(dataDir, 'secrets', 'game.key'), 'game.key\n');
  });
  afterAll(async () => {
    await supervisor.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  test('is the one that runs in DATA_DIR', () => {
    const { identity, ...addresses } = findTarget({ DATA_DIR: dataDir }, options);
    expect(Secret.of(identity.serviceKey ?? '').reveal()).toBe('game.key');
    expect(addresses).toEqual({
      edgeUrl: new URL('http://127.0.0.1:8080'),
      authAddress: '127.0.0.1:50051',
    });
  });

  test('is the one that the environment names', () => {
    const { identity, ...addresses } = findTarget({ DATA_DIR: dataDir, ...elsewhere }, options);
    expect(Secret.of(identity.serviceKey ?? '').reveal()).toBe('game.x');
    expect(addresses).toEqual({ edgeUrl: new URL('http://localhost:1'), authAddress: '127.0.0.1:2' });
  });

  test('must be running', () => {
    expect(() => findTarget({ DATA_DIR: join(dataDir, 'none') }, options)).toThrow('npm start');
  });

  test.each([
    'http://192.0.2.1',
    'https://scores.example',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://[2001:db8::1]',
  ])('is not %s, unless the operator insists', (url) => {
    const env = { DATA_DIR: dataDir, ...elsewhere, EDGE_URL: url };
    expect(() => findTarget(env, options)).toThrow('--allow-remote');
    expect(findTarget(env, { ...options, allowRemote: true }).edgeUrl.href).toBe(new URL(url).href);
  });

  test.each(['http://localhost:1', 'http://127.0.0.9', 'http://[::1]:8080'])('may be %s', (url) => {
    expect(findTarget({ ...elsewhere, EDGE_URL: url }, options).edgeUrl.origin).toBe(new URL(url).origin);
  });

  test.each(['nonsense', 'ws://127.0.0.1', 'file:///etc'])('is not %s', (url) => {
    expect(() => findTarget({ ...elsewhere, EDGE_URL: url }, options)).toThrow('EDGE_URL');
  });
});

describe('the names of simulated players', () => {
  test('are all different, and valid', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => nameOf(index));
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => readUsername(name) === name)).toBe(true);
  });

  test('are the same in every run, and valid to the last', () => {
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), (index) => {
        expect(nameOf(index)).toBe(nameOf(index));
        expect(readUsername(nameOf(index)) === nameOf(index) && isUserId(nameOf(index))).toBe(true);
      }),
    );
  });
});
