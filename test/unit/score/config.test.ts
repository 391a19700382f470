import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseScoreConfig } from '../../../services/score/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'scoreboard-config-'));
const SERVICE_DIGESTS_FILE = join(dir, 'digests.json');
writeFileSync(SERVICE_DIGESTS_FILE, '{}');
afterAll(() => rmSync(dir, { recursive: true }));
const NEEDED = {
  ...{ DATABASE_URL: 'postgres://127.0.0.1/scoreboard', SERVICE_DIGESTS_FILE },
  ...{ NATS_URL: 'nats://127.0.0.1:4222', SERVICE_KEY: 'score.key', AUDIT_KEY: `audit.${'x'.repeat(43)}` },
};

describe("the score service's configuration", () => {
  it.each([
    ['development', undefined, true],
    ['development', 'false', false],
    ['production', undefined, false],
    ['production', 'true', true],
  ])('in %s with BOARDS_BY_FIRST_SCORE %s: a first score creates its board: %s', (mode, given, expected) => {
    const env = { ...NEEDED, SCOREBOARD_MODE: mode, ...(given && { BOARDS_BY_FIRST_SCORE: given }) };
    expect(parseScoreConfig(env).boardsByFirstScore).toBe(expected);
  });
});
