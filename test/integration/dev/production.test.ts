/** The whole product in production mode: certificates instead of service keys, and nothing that is meant for development. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFiles } from '../../../services/shared/identity/service-certificate.ts';
import { certificatesDir } from '../../../services/shared/identity/stack-file.ts';
import { rawCall } from '../../support/clients/raw-grpc.ts';
import {
  runCli,
  runStartToItsEnd,
  type StackProcesses,
  stackEnvironment,
  startStackProcesses,
} from '../../support/processes/stack-processes.ts';

const PRODUCTION = { SCOREBOARD_MODE: 'production' };
const SMOKE = fileURLToPath(new URL('../../../deploy/kubernetes/smoke.sh', import.meta.url));
const OK = 0;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
const HEALTH = '/grpc.health.v1.Health/Check';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

describe('npm start in production mode', () => {
  let stack: StackProcesses;
  beforeAll(async () => {
    stack = await startStackProcesses({ env: PRODUCTION });
  });
  afterAll(() => stack?.stop());

  const internal = () =>
    ['AUTH_PORT', 'SCORE_PORT', 'RANK_PORT'].map((name) => `127.0.0.1:${stack.env[name]}`);

  it('accepts a score through every service', async () => {
    expect(await stack.submit('alice', 'a1', 100)).toEqual({ newScore: 100, rank: 1 });
    const { code, stdout } = await stack.cli(['verify']);
    expect([code, stdout]).toEqual([0, '1 players on 1 boards compared: 0 differ\n']);
  });

  it('refuses callers without a certificate, and offers no reflection to those with one', async () => {
    const { cert, key, ca } = certificateFiles(certificatesDir(stack.dataDir), 'edge');
    const read = (path: string) => readFileSync(path);
    const ofEdge = credentials.createSsl(read(ca), read(key), read(cert));
    for (const address of internal()) {
      expect(await rawCall(address, credentials.createInsecure(), HEALTH)).toBe(UNAVAILABLE);
      expect(await rawCall(address, credentials.createSsl(read(ca)), HEALTH)).toBe(UNAVAILABLE);
      expect(await rawCall(address, ofEdge, HEALTH)).toBe(OK);
      expect(await rawCall(address, ofEdge, REFLECTION)).toBe(UNIMPLEMENTED);
    }
  });

  it('reports when the certificates of its servers expire', async () => {
    for (const name of ['auth', 'score', 'rank']) {
      const answer = await fetch(`http://127.0.0.1:${stack.stack().processes[name]?.adminPort}/metrics`);
      const endsS = Number(/^grpc_certificate_ends_seconds\{.*\} (\S+)$/m.exec(await answer.text())?.[1]);
      const days = (endsS - Date.now() / 1000) / (24 * 60 * 60);
      expect([name, Math.round(days)]).toEqual([name, 365]);
    }
  });

  it('seals accepted scores, and the operator can verify them', async () => {
    const { code, stdout } = await stack.cli(['audit', 'verify']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^OK: /)]);
  });

  it('passes the check of a deployment in a cluster, which reaches auth with the certificate of the command line', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'scoreboard-kubectl-'));
    const certificates = dirname(certificateFiles(certificatesDir(stack.dataDir), 'cli').cert);
    const kubectl = `#!/bin/sh
case $1 in
  get) base64 "${certificates}/$(echo "$5" | sed 's/^jsonpath={.data.//; s/}$//; s/[\\]//')" ;;
  port-forward) echo Forwarding && exec sleep 600 ;;
esac
`;
    await writeFile(join(dir, 'kubectl'), kubectl, { mode: 0o755 });
    const env = {
      ...{ HOME: dir, PATH: [dir, stack.env.PATH].join(delimiter), DATA_DIR: dir },
      ...{ SMOKE_AUTH_PORT: stack.env.AUTH_PORT ?? '' },
    };
    const { stdout } = await promisify(execFile)(SMOKE, [stack.edgeUrl, '--json', '--limit', '60'], { env });
    await rm(dir, { recursive: true, force: true });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, url: `${stack.edgeUrl}/` });
  });

  it('has the audit key and no service keys, and gives each process only its own certificate', () => {
    const auditKey = join(stack.dataDir, 'secrets', 'audit.key');
    // Beside it are the passwords of the servers' users, and nothing else.
    const made = readdirSync(dirname(auditKey));
    expect(made.filter((name) => !/\.(?:postgres|redis|nats)$/.test(name))).toEqual(['audit.key']);
    expect(statSync(auditKey).mode & 0o777).toBe(0o600);
    for (const name of ['auth', 'score', 'rank', 'edge', 'fanout', 'game'] as const) {
      const files = certificateFiles(certificatesDir(stack.dataDir), name);
      expect([name, statSync(files.key).mode & 0o777]).toEqual([name, 0o600]);
      const environment = readFileSync(`/proc/${stack.stack().processes[name]?.pid}/environ`, 'utf8');
      const given = environment.split('\0').filter((line) => /^(?:TLS|SERVICE|AUDIT)_/.test(line));
      expect(given.sort()).toEqual(
        [
          ...[`TLS_CA_FILE=${files.ca}`, `TLS_CERT_FILE=${files.cert}`, `TLS_KEY_FILE=${files.key}`],
          ...(name === 'score' ? [`AUDIT_KEY_FILE=${auditKey}`] : []),
        ].sort(),
      );
    }
  });
});

describe('a start in production mode', () => {
  it('is refused with settings of development, in a line that says what to do', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-production-'));
    const env = {
      ...(await stackEnvironment()),
      ...PRODUCTION,
      DATA_DIR: dataDir,
      ALLOW_V0_SIGNATURES: 'true',
    };
    const { code, stdout, stderr } = await runStartToItsEnd(env);
    await rm(dataDir, { recursive: true, force: true });
    expect(code).toBe(1);
    expect(stdout).toContain('could not start: not in production: unset ALLOW_V0_SIGNATURES');
    expect(stderr).toContain('npm start: auth did not start');
  });
});

describe('npm run cli -- certs', () => {
  it('makes a set once, prints only the folder, and makes another only with --force', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'scoreboard-certs-'));
    const out = join(dir, 'set');
    const run = (...words: string[]) =>
      runCli(['certs', ...words], { PATH: process.env.PATH ?? '', DATA_DIR: dir });
    const certificate = () => readFileSync(certificateFiles(out, 'score').cert, 'utf8');
    try {
      expect(await run('--out', out, '--days', '3')).toEqual({ code: 0, stdout: `${out}\n`, stderr: '' });
      const first = certificate();
      const again = await run('--out', out);
      expect([again.code, again.stdout]).toEqual([1, '']);
      expect(again.stderr).toContain(`there are certificates in ${out}: --force replaces them`);
      expect(certificate()).toBe(first);
      expect((await run('--out', out, '--force')).code).toBe(0);
      expect(certificate()).not.toBe(first);
      expect((await run()).stdout).toBe(`${join(dir, 'certificates')}\n`);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it.each([
    [['--days', '0'], '--days must be a whole number from 1 to 9999'],
    [['--days', '1.5'], '--days must be a whole number from 1 to 9999'],
    [['--out', ''], '--out must name a folder'],
    [['--ot', 'x'], "unknown option '--ot'"],
    [['here'], "too many arguments for 'certs'"],
  ])('refuses %j and says why', async (words, line) => {
    const { code, stdout, stderr } = await runCli(['certs', ...words], { PATH: process.env.PATH ?? '' });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(line);
    expect(stderr).toMatch(/usage: npm run --silent cli -- certs/i);
  });
});
