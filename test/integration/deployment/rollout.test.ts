/** `deploy/kubernetes/rollout.sh` with a kubectl that only notes what it is given. No cluster is involved. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KUBERNETES, manifestsIn } from '../../support/sources/manifests.ts';

const IMAGE = `ghcr.io/games/scoreboard@sha256:${'a'.repeat(64)}`;
const UNITS = ['auth', 'rank', 'edge', 'fanout', 'score', 'game'];
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-rollout-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A kubectl that notes each call, prints a revision, and fails for the calls that match. */
async function rollout(words: string[], failsFor = 'nothing') {
  const text = `#!/bin/sh
echo "$*" >> "${dir}/calls"
case "$*" in
  *"${failsFor}"*) exit 1 ;;
  "get deployment game "*) ;;
  "get deployment "*) printf 7 ;;
  "kustomize "*) cat "$2/kustomization.yaml" >> "${dir}/overlay" ;;
esac
`;
  await writeFile(join(dir, 'kubectl'), text, { mode: 0o755 });
  const env = { ...process.env, PATH: [dir, process.env.PATH].join(delimiter) };
  const run = promisify(execFile)(join(KUBERNETES, 'rollout.sh'), words, { env });
  const result = await run.then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
  const calls = await readFile(join(dir, 'calls'), 'utf8').catch(() => '');
  return { ...result, calls: calls.split('\n').map((call) => call.replaceAll(/\S*\/rollout\.\w+/g, 'DIR')) };
}

describe('rollout.sh', () => {
  it('selects every object of the services and of the migration', async () => {
    const { calls } = await rollout(['apply', IMAGE]);
    const selected = calls.flatMap((call) => / -l app=(\w+)$/.exec(call)?.[1] ?? []);
    const objects = ['services', 'migrate'].flatMap((folder) => manifestsIn(join(KUBERNETES, folder)));
    const apps = objects.map(({ metadata }) => metadata.labels?.app ?? '');
    expect([...new Set(apps)].sort()).toEqual([...selected].sort());
  });

  it('migrates first, then rolls out each unit and waits for it', async () => {
    const { code, calls } = await rollout(['apply', IMAGE]);
    expect(code).toBe(0);
    expect(calls).toEqual([
      'kustomize DIR',
      'apply -f DIR/all.yaml -l app=network',
      'delete job migrate --ignore-not-found',
      'apply -f DIR/all.yaml -l app=migrate',
      'wait --for=condition=complete --timeout=10m job/migrate',
      ...UNITS.flatMap((unit) => [
        `apply -f DIR/all.yaml -l app=${unit}`,
        `rollout status --timeout=10m deployment/${unit}`,
      ]),
      'apply -f DIR/all.yaml -l app=cli',
      '',
    ]);
    const [name, digest] = IMAGE.split('@');
    expect(await readFile(join(dir, 'overlay'), 'utf8')).toContain(
      `{ name: scoreboard, newName: "${name}", digest: "${digest}" }`,
    );
    expect((await readdir(KUBERNETES)).filter((each) => each.startsWith('rollout.'))).toEqual(['rollout.sh']);
  });

  it('stops at what fails: no unit follows a migration that did not end, or a unit that is not ready', async () => {
    const migration = await rollout(['apply', IMAGE], 'wait --for');
    expect(migration.code).toBe(1);
    expect(migration.calls.join()).not.toContain('app=auth');
    const unit = await rollout(['apply', IMAGE], 'status --timeout=10m deployment/rank');
    expect(unit.code).toBe(1);
    expect(unit.calls.join()).not.toContain('app=edge');
  });

  it('takes an image by its digest only', async () => {
    expect(await rollout(['apply', 'ghcr.io/games/scoreboard:latest'])).toMatchObject({
      code: 2,
      calls: [''],
    });
  });

  it('goes back to the revisions that it printed before, and leaves alone what did not run', async () => {
    const { stdout } = await rollout(['revisions']);
    expect(stdout.trimEnd().split('\n')).toEqual(UNITS.slice(0, -1).map((unit) => `${unit} 7`));
    const file = join(dir, 'revisions');
    await writeFile(file, stdout);
    await rm(join(dir, 'calls'));
    const { code, calls } = await rollout(['undo', file]);
    expect(code).toBe(0);
    expect(calls).toEqual([
      ...UNITS.slice(0, -1).map((unit) => `rollout undo deployment/${unit} --to-revision=7`),
      ...UNITS.slice(0, -1).map((unit) => `rollout status --timeout=10m deployment/${unit}`),
      '',
    ]);
  });
});
