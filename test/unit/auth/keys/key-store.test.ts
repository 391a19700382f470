import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readKeys } from '../../../../services/auth/keys/key-file.ts';
import { ensureKeys, rotateKey, withdrawKey } from '../../../../services/auth/keys/key-store.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { clock, descriptorsOf, dir, kids, mode, openRing, useKeys } from './keys-fixture.ts';

useKeys();

describe('the key files', () => {
  test('are made on first use, for their owner alone, and leave no drafts or locks behind', async () => {
    await ensureKeys(dir);
    expect(mode(dir)).toBe('700');
    expect(readdirSync(dir).sort()).toEqual(['action-keys.json', 'token-keys.json']);
    for (const file of readdirSync(dir)) expect(mode(join(dir, file))).toBe('600');
  });

  test('are made once when several processes start together, and kept from then on', async () => {
    await Promise.all([ensureKeys(dir), ensureKeys(dir), ensureKeys(dir)]);
    const before = [kids('token'), kids('action')];
    await ensureKeys(dir);
    expect([kids('token'), kids('action')]).toEqual(before);
    expect(before.map((ids) => ids.length)).toEqual([1, 1]);
  });

  test('are refused when others may read them', async () => {
    await ensureKeys(dir);
    chmodSync(join(dir, 'action-keys.json'), 0o644);
    await expect(openRing()).rejects.toThrow('readable by other users');
  });

  test.each(['', '{}', '{"keys":[]}', '{"keys":[{}]}', '{"keys":[{"kid":"a b","signsFromMs":0,"jwk":{}}]}'])(
    'are refused when they hold %j, without quoting them',
    async (content) => {
      await ensureKeys(dir);
      writeFileSync(join(dir, 'token-keys.json'), content);
      await expect(openRing()).rejects.toThrow(/token-keys\.json (can not be read|does not hold)/);
    },
  );

  test('are refused when an action key is too short to be a secret', async () => {
    await ensureKeys(dir);
    const keys = [{ kid: 'a', signsFromMs: 0, jwk: { kty: 'oct', k: 'AAAA' } }];
    writeFileSync(join(dir, 'action-keys.json'), JSON.stringify({ keys }));
    await expect(openRing()).rejects.toThrow('action key a is too short');
  });

  test('are changed by one process at a time: others wait until it ends, with or without success', async () => {
    await ensureKeys(dir);
    const holder = spawn('flock', [dir, 'sh', '-c', 'echo held; exec sleep 60'], { detached: true });
    await once(holder.stdout, 'data');
    const rotations = Promise.all([1, 2, 3].map(() => rotateKey(dir, 'token', clock)));
    await waitFor(() => descriptorsOf(dir) === 3 || undefined);
    expect(kids('token')).toHaveLength(1);
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    await rotations;
    expect(kids('token')).toHaveLength(4);
    expect(readdirSync(dir)).toHaveLength(2);
  });

  test('stay as they were when a change can not be written', async () => {
    await ensureKeys(dir);
    const before = readFileSync(join(dir, 'token-keys.json'), 'utf8');
    await expect(withdrawKey(dir, 'token', 'nobody', clock)).rejects.toThrow('there is no key nobody');
    expect(readFileSync(join(dir, 'token-keys.json'), 'utf8')).toBe(before);
    expect(readdirSync(dir)).toHaveLength(2);
  });
});

describe('the operator’s command', () => {
  const run = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['services/auth/keys-main.ts', ...words], {
      env: { ...process.env, AUTH_KEYS_DIR: dir },
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  test('rotates, lists and withdraws', async () => {
    await ensureKeys(dir);
    const rotated = run('rotate', 'token');
    expect(rotated.status).toBe(0);
    const kid = rotated.stdout.trim();
    const listed = run('list').stdout.split('\n');
    expect(listed.find((line) => line.includes(kid))).toMatch(/^token\t\S+\twaiting\t/);
    expect(listed.filter((line) => line.includes('\tsigning\t'))).toHaveLength(2);
    expect(run('withdraw', 'token', kid).status).toBe(0);
    expect(run('list').stdout).not.toContain(kid);
  });

  test('shows no secret', async () => {
    await ensureKeys(dir);
    const [stored] = readKeys(dir, 'action');
    expect(run('list').stdout).not.toContain(String(stored?.jwk.k));
  });

  test.each([[[]], [['rotate']], [['rotate', 'all']], [['withdraw', 'token']], [['steal', 'token']]])(
    'explains itself when it is given %j',
    async (words) => {
      await ensureKeys(dir);
      expect(run(...words)).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringContaining('usage:'),
      });
    },
  );
});

test('the id of a new key is hexadecimal, so the command line does not take it for an option', async () => {
  await ensureKeys(dir);
  for (let made = 0; made < 3; made += 1) await rotateKey(dir, 'token', clock);
  for (const kid of kids('token')) expect(kid).toMatch(/^[0-9a-f]{16}$/);
});
