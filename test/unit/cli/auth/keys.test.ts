import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureKeys, listKeys } from '../../../../services/auth/keys/key-store.ts';
import { runWords } from '../fake-session.ts';

let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'scoreboard-keys-'));
  await ensureKeys(dir);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

type Kind = 'token' | 'action';
const idsOf = (kind: Kind) => listKeys(dir, kind).map(({ kid }) => kid);

/** A service that returns the old keys at first, and later those in the files. */
async function runBeside(words: readonly string[]) {
  const before = { token: idsOf('token'), action: idsOf('action') };
  let looks = 0;
  const getKeySet = () => {
    looks += 1;
    const of = (kind: Kind) => (looks === 1 ? before[kind] : idsOf(kind));
    const jwksJson = JSON.stringify({ keys: of('token').map((kid) => ({ kid })) });
    return {
      version: String(looks),
      unchanged: false,
      jwksJson,
      actionKeyIds: of('action'),
      revocations: [],
    };
  };
  const env = { AUTH_KEYS_DIR: dir, AUTH_ADDRESS: '127.0.0.1:1', PATH: process.env.PATH ?? '' };
  const ran = await runWords(words, { getKeySet }, { env });
  return { ran, looks };
}

test('a key whose id begins with "-", as ids of version 0.1 may, is withdrawn after "--"', async () => {
  const path = join(dir, 'token-keys.json');
  await runBeside(['keys', 'rotate', 'token']);
  const [, made = ''] = idsOf('token');
  writeFileSync(path, readFileSync(path, 'utf8').replace(made, '-3YVL15dJoo'));
  expect((await runBeside(['keys', 'withdraw', 'token', '-3YVL15dJoo'])).ran.code).toBe(2);
  const withdrawn = await runBeside(['keys', 'withdraw', 'token', '--', '-3YVL15dJoo']);
  expect(withdrawn.ran).toMatchObject({ code: 0, output: 'withdrawn -3YVL15dJoo\n' });
  expect(idsOf('token')).not.toContain('-3YVL15dJoo');
});

test.each<Kind>(['token', 'action'])(
  'a change of %s keys is reported once the service has taken it',
  async (kind) => {
    const rotated = await runBeside(['keys', 'rotate', kind]);
    const [, made = ''] = idsOf(kind);
    expect(rotated).toMatchObject({ ran: { code: 0, output: `${made}\n` }, looks: 2 });
    const withdrawn = await runBeside(['keys', 'withdraw', kind, made]);
    expect(withdrawn).toMatchObject({ ran: { code: 0, output: `withdrawn ${made}\n` }, looks: 2 });
  },
);
