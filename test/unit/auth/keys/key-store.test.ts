import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { POLL_MS } from '../../../../services/auth/keys/follow-files.ts';
import { readKeys } from '../../../../services/auth/keys/key-file.ts';
import { type KeyRing, openKeyRing } from '../../../../services/auth/keys/key-ring.ts';
import {
  ensureKeys,
  listKeys,
  PUBLISH_DELAY_MS,
  rotateKey,
  withdrawKey,
} from '../../../../services/auth/keys/key-store.ts';
import { MAX_WAIT_MS } from '../../../../services/auth/tokens/held-answers.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { OWN_KEYS_REFRESH_MS, OWN_KEYS_WAIT_MS } from '../../../../services/shared/tokens/token-verifier.ts';
import { waitFor } from '../../../support/wait-for.ts';

let dir: string;
let nowMs: number;
const clock = { now: () => nowMs };

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const kids = (kind: 'token' | 'action') => listKeys(dir, kind, clock).map(({ kid }) => kid);
/** Descriptors of this process on that path. */
const descriptorsOf = (path: string) =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  }).length;
async function openRing(): Promise<KeyRing> {
  return openKeyRing({ dir, clock, log: createSilentLog() });
}

beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'scoreboard-keys-')), 'keys');
  nowMs = Date.now();
});
afterEach(() => {
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

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

describe('a running service', () => {
  test('warns when it makes keys in place of lost ones, and not when it makes the first', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
    const open = () => openKeyRing({ dir, clock, log });
    await open();
    await open();
    expect(lines).toEqual([]);
    rmSync(join(dir, 'action-keys.json'));
    await open();
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ kinds: ['action'] });
  });

  test('logs a change of its keys: the user who wrote the file, and the ids before and after', async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line) => lines.push(line) });
    const ring = await openKeyRing({ dir, clock, log });
    const before = kids('token');
    lines.length = 0;
    const made = await rotateKey(dir, 'token', clock);
    await ring.refresh();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        ...{ msg: 'signing keys changed', operator: `uid ${process.getuid?.()}`, kind: 'token' },
        ...{ before, after: [...before, made] },
      },
    ]);
  });

  test('publishes no private part of any key', async () => {
    const ring = await openRing();
    const [stored] = readKeys(dir, 'token');
    expect(ring.jwksJson()).not.toContain(String(stored?.jwk.d));
    const { keys } = JSON.parse(ring.jwksJson()) as { keys: object[] };
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ]);
  });

  test.each(['token', 'action'] as const)(
    'follows a rotation of the %s keys without a restart',
    async (kind) => {
      const ring = await openRing();
      const signing = () => (kind === 'token' ? ring.tokenSigner() : ring.actionSigner()).kid;
      const verifies = (kid: string) => (kind === 'token' ? ring.tokenVerifier(kid) : ring.actionKey(kid));
      const before = signing();
      const after = await rotateKey(dir, kind, clock);
      await ring.refresh();
      expect(signing()).toBe(before);
      expect(verifies(after)).toBeDefined();
      nowMs += PUBLISH_DELAY_MS;
      await ring.refresh();
      expect(signing()).toBe(after);
      expect(verifies(before)).toBeDefined();
      nowMs += 25 * 60 * 60 * 1000;
      await ring.refresh();
      expect(verifies(before)).toBeUndefined();
      expect(signing()).toBe(after);
    },
  );

  test.each(['token', 'action'] as const)('drops a withdrawn %s key at once', async (kind) => {
    const ring = await openRing();
    const signing = () => (kind === 'token' ? ring.tokenSigner() : ring.actionSigner()).kid;
    const verifies = (kid: string) => (kind === 'token' ? ring.tokenVerifier(kid) : ring.actionKey(kid));
    const bad = signing();
    await withdrawKey(dir, kind, bad, clock);
    await ring.refresh();
    expect(verifies(bad)).toBeUndefined();
    expect(ring.jwksJson()).not.toContain(bad);
    expect(signing()).not.toBe(bad);
    expect(verifies(signing())).toBeDefined();
  });

  test.each(['token', 'action'] as const)(
    'goes on signing when its clock goes back, and with no %s key before its time',
    async (kind) => {
      const ring = await openRing();
      const signing = () => (kind === 'token' ? ring.tokenSigner() : ring.actionSigner()).kid;
      const first = signing();
      const setBack = async () => {
        nowMs -= 5 * 60_000;
        await ring.refresh();
      };
      await setBack();
      expect(ring.canSign()).toBe(true);
      expect(signing()).toBe(first);
      const second = await rotateKey(dir, kind, clock);
      nowMs += PUBLISH_DELAY_MS - 1;
      await ring.refresh();
      expect(signing()).toBe(first);
      nowMs += 1;
      await ring.refresh();
      expect(signing()).toBe(second);
      await withdrawKey(dir, kind, first, clock);
      await withdrawKey(dir, kind, second, clock);
      await setBack();
      expect(ring.canSign()).toBe(true);
      expect([first, second]).not.toContain(signing());
    },
  );

  test('keeps its keys when a file is damaged or gone, and recovers with it', async () => {
    const ring = await openRing();
    const before = ring.tokenSigner().kid;
    const path = join(dir, 'token-keys.json');
    const content = readFileSync(path);
    writeFileSync(path, '{"keys":');
    await ring.refresh();
    expect(ring.tokenSigner().kid).toBe(before);
    rmSync(path);
    await ring.refresh();
    expect(ring.tokenSigner().kid).toBe(before);
    expect(ring.canSign()).toBe(true);
    writeFileSync(path, content, { mode: 0o600 });
    const after = await rotateKey(dir, 'token', clock);
    await ring.refresh();
    expect(ring.tokenVerifier(after)).toBeDefined();
  });

  test('signs with a new key only after every verifier had time to fetch it', () => {
    expect(PUBLISH_DELAY_MS).toBeGreaterThan(2 * OWN_KEYS_REFRESH_MS);
    // What is taken back is refused everywhere within a second: verifiers wait for the next look at the files, or for as long
    // as they must rest after the change before.
    expect(Math.max(POLL_MS, OWN_KEYS_REFRESH_MS)).toBeLessThanOrEqual(500);
    expect(OWN_KEYS_WAIT_MS).toBeLessThanOrEqual(MAX_WAIT_MS);
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
