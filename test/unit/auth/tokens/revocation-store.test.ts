import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeySetAnswer } from '../../../../services/auth/tokens/key-set-answer.ts';
import { openRevocationList } from '../../../../services/auth/tokens/revocation-list.ts';
import {
  MAX_REVOCATIONS,
  readRevocations,
  revoke,
} from '../../../../services/auth/tokens/revocation-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

let dir: string;
let nowMs: number;
const clock = { now: () => nowMs };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scoreboard-revocations-'));
  nowMs = 1_800_000_000_000;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const path = () => join(dir, 'revocations.json');
const subjects = () => readRevocations(dir, nowMs).map(({ kind, subject }) => `${kind} ${subject}`);

describe('revocations', () => {
  test('are none before the first, and kept in a file that only its owner reads', async () => {
    expect(subjects()).toEqual([]);
    await revoke(dir, 'token', 'jti-1', clock);
    await revoke(dir, 'player', 'alice', clock);
    expect(subjects()).toEqual(['token jti-1', 'player alice']);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test('of the same player count once, from the later time', async () => {
    await revoke(dir, 'player', 'alice', clock);
    nowMs += 5_000;
    await revoke(dir, 'player', 'alice', clock);
    expect(readRevocations(dir, nowMs)).toEqual([{ kind: 'player', subject: 'alice', atMs: nowMs }]);
  });

  test('of many commands at once are all recorded', async () => {
    const subjects = Array.from({ length: 8 }, (_, at) => `player-${at}`);
    const run = promisify(execFile);
    const env = { ...process.env, AUTH_KEYS_DIR: dir };
    const words = (subject: string) => ['services/auth/revoke-main.ts', 'player', subject];
    await Promise.all(subjects.map((subject) => run(process.execPath, words(subject), { env })));
    const recorded = readRevocations(dir, Date.now()).map(({ subject }) => subject);
    expect(recorded.sort()).toEqual(subjects);
    // Eight processes on a machine that is busy with other tests.
  }, 60_000);

  test('are refused where no service keeps its keys', async () => {
    await expect(revoke(join(dir, 'nowhere'), 'player', 'alice', clock)).rejects.toThrow(
      'there is no folder',
    );
  });

  test('are dropped when no token that they concern can be alive', async () => {
    await revoke(dir, 'player', 'alice', clock);
    nowMs += DAY_MS;
    expect(subjects()).toEqual(['player alice']);
    nowMs += 180_000;
    expect(subjects()).toEqual([]);
  });

  test('are refused beyond their limit, and none is dropped', async () => {
    const revocations = Array.from({ length: MAX_REVOCATIONS }, (_, index) => ({
      kind: 'token',
      subject: `jti-${index}`,
      atMs: nowMs,
    }));
    writeFileSync(path(), JSON.stringify({ revocations }), { mode: 0o600 });
    await expect(revoke(dir, 'token', 'one more', clock)).rejects.toThrow('printable');
    await expect(revoke(dir, 'token', 'one-more', clock)).rejects.toThrow('withdraw the signing key');
    expect(subjects()).toHaveLength(MAX_REVOCATIONS);
  });

  test.each([
    '',
    '{}',
    'null',
    '{"revocations":[{}]}',
    '{"revocations":[{"kind":"x","subject":"a","atMs":1}]}',
  ])('are refused when the file holds %j', (content) => {
    writeFileSync(path(), content, { mode: 0o600 });
    expect(() => readRevocations(dir, nowMs)).toThrow(/revocations\.json (can not be read|does not hold)/);
  });

  test('are refused when others may read the file', async () => {
    await revoke(dir, 'token', 'jti-1', clock);
    chmodSync(path(), 0o644);
    expect(() => readRevocations(dir, nowMs)).toThrow('readable by other users');
  });

  test('are followed by the service, which keeps what it has when the file is damaged', async () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
    const errors = () => lines.filter(({ level }) => level >= (pino.levels.values.error ?? 0));
    const list = openRevocationList({ dir, clock, log });
    const alice = { tokenId: 't', userId: 'alice', issuedAtMs: nowMs };
    expect(list.has(alice)).toBe(false);
    await revoke(dir, 'player', 'alice', clock);
    list.refresh();
    expect(list.has(alice)).toBe(true);
    expect(lines.at(-1)).toMatchObject({
      ...{ msg: 'revocations changed', operator: `uid ${process.getuid?.()}` },
      ...{ before: 0, after: 1, added: [{ case: 'userId', value: 'alice' }] },
    });
    writeFileSync(path(), 'damaged', { mode: 0o600 });
    list.refresh();
    list.refresh();
    expect(errors()).toHaveLength(1);
    expect(list.isCurrent()).toBe(false);
    expect(list.has(alice)).toBe(true);
  });
});

test('verifiers get keys and revocations if they changed, otherwise only that they did not', () => {
  let jwksJson = '{"keys":[]}';
  let published: { subject: { case: 'userId'; value: string }; revokedAtUnix: bigint }[] = [];
  let actionKeyIds = ['a'];
  const answer = createKeySetAnswer(
    { jwksJson: () => jwksJson, actionKeyIds: () => actionKeyIds },
    { published: () => published },
  );
  const first = answer('');
  expect(first).toMatchObject({ jwksJson, revocations: [] });
  const version = first.version ?? '';
  expect(answer(version)).toEqual({ version, unchanged: true });
  published = [{ subject: { case: 'userId', value: 'alice' }, revokedAtUnix: 5n }];
  const second = answer(version);
  expect(second).toMatchObject({ jwksJson, revocations: published });
  expect(second.version).not.toBe(version);
  jwksJson = '{"keys":[{}]}';
  const third = answer(second.version ?? '');
  expect(third).toMatchObject({ jwksJson, actionKeyIds: ['a'] });
  actionKeyIds = ['b'];
  expect(answer(third.version ?? '')).toMatchObject({ actionKeyIds: ['b'] });
});
