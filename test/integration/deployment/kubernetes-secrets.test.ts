/** `deploy/kubernetes/secrets.sh` with a kubectl that only notes what it is given: every file that a pod is told of is in its Secret. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBERNETES, manifestsIn } from '../../support/sources/manifests.ts';

const SCRIPT = join(KUBERNETES, 'secrets.sh');
let dir: string;
let secrets: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-secrets-'));
  secrets = join(dir, 'secrets');
  const noting = `#!/bin/sh\necho "$*" >> "${join(dir, 'calls')}"\n`;
  await writeFile(join(dir, 'kubectl'), noting, { mode: 0o755 });
  await run();
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function run(): Promise<void> {
  const path = [dir, process.env.PATH].join(delimiter);
  await promisify(execFile)(SCRIPT, [secrets, '--namespace', 'games'], {
    env: { ...process.env, PATH: path },
  });
}

const callsOfKubectl = async () => (await readFile(join(dir, 'calls'), 'utf8')).trimEnd().split('\n');

describe('secrets.sh', () => {
  it('makes a Secret of every name in the manifests, with each file that the pod is told of', async () => {
    const calls = await callsOfKubectl();
    const pods = manifestsIn(KUBERNETES).flatMap(({ kind, spec }) => {
      if (kind === 'CronJob') return [spec.jobTemplate.spec.template.spec];
      return spec.template === undefined ? [] : [spec.template.spec];
    });
    for (const { volumes, containers } of pods) {
      const name = volumes.flatMap(({ secret }) => secret?.secretName ?? [])[0] ?? '';
      const folder = join(secrets, name.replace('scoreboard-', ''));
      expect(calls).toContainEqual(
        `create secret generic ${name} --from-file=${folder} --dry-run=client -o yaml`,
      );
      const [{ env = [], args }] = containers;
      const told = [...env.map(({ value }) => value), ...args].filter((text) => text.startsWith('/secrets/'));
      expect(await readdir(folder)).toEqual(expect.arrayContaining(told.map((path) => basename(path))));
    }
    expect(calls).toContain('apply -f - --namespace games');
  });

  it('gives no pod the key of the authority or the passwords of others', async () => {
    const calls = (await callsOfKubectl()).join('\n');
    expect(calls).not.toMatch(/--from-file=\S*\/(?:all|authority)\b/);
  });

  it('keeps what it made when it runs again', async () => {
    const read = () => readFile(join(secrets, 'score/tls.key'), 'utf8');
    const [key, password] = [await read(), await readFile(join(secrets, 'migrate/owner'), 'utf8')];
    await run();
    expect([await read(), await readFile(join(secrets, 'migrate/owner'), 'utf8')]).toEqual([key, password]);
  });
});
