/** The workflows: what they run is pinned, they have no right more than they need, and a release takes each step in its order. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PATHS = globSync('.github/workflows/*.yml', { cwd: ROOT }).sort();
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly environment?: { readonly name: string };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflow = (path: string) => parse(textOf(path)) as Workflow;
const stepsOf = (path: string, job: string) => workflow(path).jobs[job]?.steps ?? [];

describe.each(PATHS)('%s', (path) => {
  const { permissions, jobs } = workflow(path);
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);

  it('pins each action to a commit, with its version beside it', () => {
    const used = [...textOf(path).matchAll(/uses: (.+)$/gm)].map(([, use = '']) => use);
    expect(used.length).toBeGreaterThan(0);
    for (const use of used.filter((each) => !each.startsWith('./'))) {
      expect(use).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  it('uses one commit of an action', () => {
    const all = PATHS.flatMap((each) => [...textOf(each).matchAll(/uses: ([\w/-]+@\w+) # \S+$/gm)]);
    const commits = new Set(all.map(([, use = '']) => use));
    expect(commits.size).toBe(new Set([...commits].map((use) => use.split('@')[0])).size);
  });

  it('may read the repository, and write packages only where the image is pushed', () => {
    expect(permissions).toEqual({ contents: 'read' });
    const more = Object.entries(jobs).filter(([, job]) => job.permissions !== undefined);
    const expected = path.endsWith('release.yml') ? [['image', { contents: 'read', packages: 'write' }]] : [];
    expect(more.map(([name, job]) => [name, job.permissions])).toEqual(expected);
  });

  it('ends by itself, and has no text of others in its commands', () => {
    for (const job of Object.values(jobs)) {
      if (job.uses === undefined) expect(job['timeout-minutes']).toBeGreaterThan(0);
    }
    // GitHub would paste it into the script: a value goes through the environment. The matrix is written in the file.
    for (const { run = '' } of steps) expect(run).not.toMatch(/\$\{\{ (?!matrix\.run )/);
  });

  it('names only scripts and workflows that exist', () => {
    const named = [...textOf(path).matchAll(/(?<![\w/])\.?\/?((?:deploy|\.ci|\.github)\/[\w/.-]+)/g)];
    for (const [, file = ''] of named) expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  });

  it('needs only jobs and steps that it has', () => {
    for (const job of Object.values(jobs)) {
      for (const name of [job.needs ?? []].flat()) expect(Object.keys(jobs)).toContain(name);
    }
    const ids = steps.flatMap(({ id }) => id ?? []);
    for (const [, id] of textOf(path).matchAll(/\bsteps\.(\w+)\./g)) expect(ids).toContain(id);
  });
});

describe('a release', () => {
  const RELEASE = '.github/workflows/release.yml';
  const { on, jobs } = workflow(RELEASE);

  it('begins with a tag, and goes from test to image to staging to production', () => {
    expect(on).toEqual({ push: { tags: ['v*.*.*'] } });
    expect(Object.entries(jobs).map(([name, { needs }]) => [name, needs])).toEqual([
      ['test', undefined],
      ['image', 'test'],
      ['staging', 'image'],
      ['production', ['image', 'staging']],
    ]);
    expect(stepsOf(RELEASE, 'test').at(-1)?.run).toBe('.ci/run');
  });

  it('builds one image, with a list of its parts and its provenance, and deploys it by its digest', () => {
    const [build] = stepsOf(RELEASE, 'image').filter(({ id }) => id === 'build');
    expect(build?.with).toMatchObject({ push: true, sbom: true, provenance: 'mode=max' });
    for (const name of ['staging', 'production']) {
      expect(jobs[name]?.uses).toBe('./.github/workflows/deploy.yml');
      expect(jobs[name]?.with).toEqual({
        environment: name,
        image: expect.stringMatching(/^\$\{\{ needs\.image\.outputs\.image \}\}$/),
      });
    }
  });

  it('is checked in each environment, and rolled back if that fails', () => {
    const { environment, steps = [] } = workflow('.github/workflows/deploy.yml').jobs.deploy ?? {};
    expect(environment?.name).toMatch(/^\$\{\{ inputs\.environment \}\}$/);
    expect(steps.slice(-4).map(({ name }) => name)).toEqual(['Before', 'Deploy', 'Smoke', 'Roll back']);
    expect(steps.at(-1)?.if).toMatch(/^failure\(\)/);
  });
});
