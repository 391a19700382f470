import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  fingerprintOf,
  openSubjectKey,
  subjectKeyPath,
} from '../../../../services/auth/players/subject-key.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scoreboard-subject-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('the subject key', () => {
  test('is made once, for its owner alone, also by services that start together', async () => {
    const keys = await Promise.all([openSubjectKey(dir), openSubjectKey(dir), openSubjectKey(dir)]);
    const written = readFileSync(subjectKeyPath(dir), 'utf8');
    expect(statSync(subjectKeyPath(dir)).mode & 0o777).toBe(0o600);
    for (const key of [...keys, await openSubjectKey(dir)]) expect(key.equals(keys[0] as Buffer)).toBe(true);
    expect(readFileSync(subjectKeyPath(dir), 'utf8')).toBe(written);
    expect(written).not.toContain(fingerprintOf(keys[0] as Buffer));
  });

  test.each(['', '{}', '{"key":"short"}', '{"key":7}'])(
    'is never replaced when its file is damaged: %s',
    async (text) => {
      writeFileSync(subjectKeyPath(dir), text, { mode: 0o600 });
      await expect(openSubjectKey(dir)).rejects.toThrow('subject-key.json');
      expect(readFileSync(subjectKeyPath(dir), 'utf8')).toBe(text);
    },
  );

  test('is refused when others may read it', async () => {
    await openSubjectKey(dir);
    chmodSync(subjectKeyPath(dir), 0o640);
    await expect(openSubjectKey(dir)).rejects.toThrow('readable by other users');
  });
});
