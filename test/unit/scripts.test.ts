/** The scripts of package.json: CONTRIBUTING.md lists them, the workflows run them, and no document names one that does not exist. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** `npm start` and `npm test` are scripts; the other commands without `run` are npm's own. */
const namedIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/\bnpm (?:run (?:--silent )?([a-z][\w:]*)|(start|test)\b)/g)].map(
      ([, run, short]) => run ?? short ?? '',
    ),
  ),
];

describe('the scripts', () => {
  it('are all listed in CONTRIBUTING.md', () => {
    expect(namedIn(read('CONTRIBUTING.md')).sort()).toEqual(Object.keys(scripts).sort());
  });

  it.each([
    ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', '.ci/run', '.githooks/pre-commit', 'package.json'],
    ...globSync(['docs/**/*.md', '.github/workflows/*.yml'], { cwd: ROOT }),
  ])('that %s names exist', (path) => {
    expect(namedIn(read(path)).filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('the workflows', () => {
  const stepsOf = (workflow: string) =>
    [...read(`.github/workflows/${workflow}.yml`).matchAll(/^ +(?:- )?run: (.+)$/gm)].map(([, step]) => step);

  it('run for each change what .ci/run runs, and nothing else', () => {
    expect(stepsOf('ci')).toEqual(['.ci/run']);
    expect(namedIn(read('.ci/run'))).toEqual(['test', 'check', 'check:bench']);
  });

  it('install what the long tests need before they run', () => {
    expect(stepsOf('nightly').slice(-3, -1)).toEqual(['npm ci', 'npm run install:servers']);
  });
});
