import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { POLL_MS } from '../../../../services/auth/keys/follow-files.ts';
import { readKeys } from '../../../../services/auth/keys/key-file.ts';
import { openKeyRing } from '../../../../services/auth/keys/key-ring.ts';
import { PUBLISH_DELAY_MS, rotateKey, withdrawKey } from '../../../../services/auth/keys/key-store.ts';
import { MAX_WAIT_MS } from '../../../../services/auth/tokens/held-answers.ts';
import { OWN_KEYS_REFRESH_MS, OWN_KEYS_WAIT_MS } from '../../../../services/shared/tokens/token-verifier.ts';
import { clock, dir, kids, openRing, pass, useKeys } from './keys-fixture.ts';

useKeys();

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
      pass(PUBLISH_DELAY_MS);
      await ring.refresh();
      expect(signing()).toBe(after);
      expect(verifies(before)).toBeDefined();
      pass(25 * 60 * 60 * 1000);
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
        pass(-5 * 60_000);
        await ring.refresh();
      };
      await setBack();
      expect(ring.canSign()).toBe(true);
      expect(signing()).toBe(first);
      const second = await rotateKey(dir, kind, clock);
      pass(PUBLISH_DELAY_MS - 1);
      await ring.refresh();
      expect(signing()).toBe(first);
      pass(1);
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
