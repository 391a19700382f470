import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureKeys } from '../../../../dev/secrets/ensure-keys.ts';
import { keyFile } from '../../../../services/provision/secrets.ts';
import { certificateFiles } from '../../../../services/shared/identity/service-certificate.ts';
import { certificatesDir, secretsDir } from '../../../../services/shared/identity/stack-file.ts';

let dataDir: string;
let said: string[];
const say = (line: string) => void said.push(line);

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'scoreboard-keys-'));
  said = [];
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

describe.each([
  [
    'development',
    'made new service keys, since these were missing',
    () => keyFile(secretsDir(dataDir), 'edge'),
  ],
  [
    'production',
    'made new certificates for all services, since',
    () => certificateFiles(certificatesDir(dataDir), 'edge').key,
  ],
] as const)('keys of %s', (mode, line, lost) => {
  it('are made on the first start and kept without a word, and lost ones are replaced with one line', async () => {
    await ensureKeys(mode, dataDir, say);
    await ensureKeys(mode, dataDir, say);
    expect(said).toEqual([]);
    rmSync(lost());
    await ensureKeys(mode, dataDir, say);
    await ensureKeys(mode, dataDir, say);
    expect(said).toEqual([expect.stringContaining(line)]);
    expect(said[0]).toContain(lost());
  });
});
