/** The references of the documents are valid: links, anchors, file paths, and the index of decisions. README stays short. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT })];
const MAX_README_LINES = 150;

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const exists = (path: string) => existsSync(join(ROOT, path));

/** The text without blocks of code, whose contents are no links or headings. */
const proseOf = (page: string) => read(page).replace(/^```[\s\S]*?^```/gm, '');

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (page: string) =>
  [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** Whether a relative link of a page leads to a file and, if it names one, to a heading of it. */
function leads(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  return exists(target) && (anchor === undefined || anchorsOf(target).includes(anchor));
}

describe('the documents', () => {
  it('link only to files and headings that exist', () => {
    const links = PAGES.flatMap((page) =>
      [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => ({ page, link })),
    ).filter(({ link }) => !/^https?:/.test(link));
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter(({ page, link }) => !leads(page, link))).toEqual([]);
  });

  it('name only files that exist', () => {
    const named = PAGES.flatMap((page) =>
      [
        ...proseOf(page).matchAll(
          /`((?:\.ci|\.github|deploy|dev|docs|edge|gen|proto|services|test)\/[\w./-]*|[A-Z][\w-]+\.md|Dockerfile|[\w-]+\.(?:yml|json))`/g,
        ),
      ].map(([, path = '']) => ({ page, path })),
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(({ path }) => !exists(path))).toEqual([]);
  });

  it('keep the README short, with the two commands that start and test everything', () => {
    const readme = read('README.md');
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_README_LINES);
    expect(readme).toContain('\nnpm ci && npm start\n');
    expect(readme).toContain('\nnpm ci && npm test\n');
  });
});

describe('the index of decisions', () => {
  it('has a line for each record of each page, in order', () => {
    const index = read('docs/decisions/README.md');
    const listed = [...index.matchAll(/^\| (\S+) \| \[(.+)\]\((\S+)\.md#(\S+)\) \|$/gm)].map(
      ([, date, title, page, anchor]) => ({ page, date, title, anchor }),
    );
    const pages = [...new Set(listed.map(({ page }) => page))];
    const recorded = pages.flatMap((page) =>
      [...read(`docs/decisions/${page}.md`).matchAll(/^## (.+)\n\n\*(\d{4}-\d\d-\d\d)\.\* /gm)].map(
        ([, title = '', date]) => ({ page, date, title, anchor: anchorOf(title) }),
      ),
    );
    expect(listed).toEqual(recorded);
    const files = globSync('docs/decisions/*.md', { cwd: ROOT }).filter(
      (path) => !path.endsWith('README.md'),
    );
    expect(pages.length).toBe(files.length);
    const headings = files.flatMap((path) => [...read(path).matchAll(/^## /gm)]);
    expect(recorded.length).toBe(headings.length);
  });
});
