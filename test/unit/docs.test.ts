/** The tables of docs/ match the code: every reason, metric, close code and dependency is in its table, and no other. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CLOSE } from '../../edge/fanout/frames/close-codes.ts';
import { AppError, isReason, REASONS } from '../../services/shared/errors/app-error.ts';
import { answerError } from '../../services/shared/http/error-answer.ts';
import { OUTSIDE_ALGORITHMS } from '../../services/shared/tokens/rules/outside-issuers.ts';
import { TOKEN_RULES } from '../../services/shared/tokens/rules/token-refusal.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const SOURCES = ['services/**/*.ts', 'dev/**/*.ts', 'edge/{http,fanout}/**/*.ts'].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT }).map(read),
);

/** The rows of the tables of a page, or of one section of it, as lists of cells, headings of columns included. */
function rowsOf(page: string, heading?: string): string[][] {
  const text = read(page);
  const section =
    heading === undefined ? text : (text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '');
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  return lines.map((line) => line.slice(2, -2).split(' | '));
}

describe('the documents', () => {
  it('list every reason with its code, status and meaning, and no other', () => {
    const expected = Object.entries(REASONS).map(([reason, [kind, meaning]]) => {
      if (!isReason(reason)) throw new Error(`${reason} is no reason`);
      const { status } = answerError(new AppError(reason));
      return [`\`${reason}\``, kind, String(status), meaning];
    });
    expect(rowsOf('docs/errors.md').filter(([first = '']) => first.startsWith('`'))).toEqual(expected);
  });

  it('list every metric with its meaning, and no other', () => {
    const declared = SOURCES.flatMap((text) =>
      [...text.matchAll(/\.(?:counter|gauge|histogram)\(\s*'([a-z_]+)',\s*'([^']+)'/g)].map(
        ([, name, help]) => `${name}: ${help}`,
      ),
    );
    const rows = rowsOf('docs/operations.md', 'Seeing it').filter(([first = '']) => first.startsWith('`'));
    const listed = rows.map(([name = '', , meaning]) => `${name.replaceAll('`', '')}: ${meaning}`);
    expect(listed.sort()).toEqual([...new Set(declared)].sort());
  });

  it('begin the changelog with the version of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(/^## \[([\d.]+)\]/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
  });

  it('list every close code', () => {
    const listed = rowsOf('docs/websocket.md', 'Close codes').map(([first]) => Number(first));
    const codes = new Set<number>(Object.values(CLOSE).map(({ code }) => code));
    expect(listed.filter((code) => !Number.isNaN(code)).sort()).toEqual([...codes].sort());
  });

  it('list every algorithm of an outside token, and every rule that a token can fail', () => {
    const cells = rowsOf('docs/identity.md', 'When a token is refused').map(([first = '']) => first);
    const rules = cells.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, rule]) => rule));
    expect(rules.sort()).toEqual([...TOKEN_RULES].sort());
    const [, algorithms = ''] =
      rowsOf('docs/identity.md', 'Rules').find(([part]) => part === 'algorithm') ?? [];
    const accepted = algorithms.split('; never')[0] ?? '';
    const listed = [...accepted.matchAll(/`([A-Za-z0-9]+)`/g)].map(([, algorithm]) => algorithm);
    expect(listed).toEqual([...OUTSIDE_ALGORITHMS]);
  });

  it('list every dependency, and no other', () => {
    const declared = ['package.json', 'test/bench/package.json'].flatMap((manifest) => {
      const { dependencies, devDependencies } = JSON.parse(read(manifest)) as Record<string, object>;
      return [...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})];
    });
    const expected = declared.filter((name) => !name.startsWith('@types/'));
    const listed = rowsOf('docs/decisions/dependencies.md').flatMap(([first = '']) =>
      [...first.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
    );
    expect(listed.filter((name) => name !== 'uws-pack').sort()).toEqual([...new Set(expected)].sort());
  });
});
