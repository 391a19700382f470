/** The tables of docs/ match the code: every reason, metric, setting, close code and dependency is in its table, and no other. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CLOSE } from '../../edge/fanout/sockets/close-codes.ts';
import { describeError } from '../../edge/http/server/error-response.ts';
import { AppError, isReason, REASONS } from '../../services/shared/errors/app-error.ts';

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

const namesIn = (rows: readonly string[][]) =>
  rows.flatMap(([first = '']) => [...first.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name ?? ''));

describe('the tables of docs/', () => {
  it('list every reason with its code, status and meaning, and no other', () => {
    const expected = Object.entries(REASONS).map(([reason, [kind, meaning]]) => {
      if (!isReason(reason)) throw new Error(`${reason} is no reason`);
      const { status } = describeError(new AppError(reason));
      return [`\`${reason}\``, kind, String(status), meaning];
    });
    expect(rowsOf('docs/errors.md').filter(([first = '']) => first.startsWith('`'))).toEqual(expected);
  });

  it('list every metric with what it means, and no other', () => {
    const declared = SOURCES.flatMap((text) =>
      [...text.matchAll(/\.(?:counter|gauge|histogram)\(\s*'([a-z_]+)',\s*'([^']+)'/g)].map(
        ([, name, help]) => `${name}: ${help}`,
      ),
    );
    const rows = rowsOf('docs/operations.md', 'Seeing it').filter(([first = '']) => first.startsWith('`'));
    const listed = rows.map(([name = '', , meaning]) => `${name.replaceAll('`', '')}: ${meaning}`);
    expect(listed.sort()).toEqual([...new Set(declared)].sort());
  });

  it('list every variable that a process reads, and no other', () => {
    const read = SOURCES.flatMap((text) =>
      [...text.matchAll(/\benv,\s*'([A-Z][A-Z0-9_]+)'/g)].map(([, name]) => name ?? ''),
    );
    // A secret may come from a file, and a rate is two variables.
    const secrets = SOURCES.flatMap((text) =>
      [...text.matchAll(/\b(?:secret|secretUrl|optionalSecret)\(env, '([A-Z_]+)'/g)].map(
        ([, name]) => `${name}_FILE`,
      ),
    );
    const rates = SOURCES.flatMap((text) =>
      [...text.matchAll(/\brate\('([A-Z_]+)'/g)].flatMap(([, name]) => [`${name}_PER_S`, `${name}_BURST`]),
    );
    const expected = new Set([...read, ...secrets, ...rates, 'LOG_LEVEL']);
    expect(namesIn(rowsOf('docs/configuration.md', 'Settings')).sort()).toEqual([...expected].sort());
  });

  it('list every close code', () => {
    const listed = rowsOf('docs/websocket.md', 'Close codes').map(([first]) => Number(first));
    const codes = new Set<number>(Object.values(CLOSE).map(({ code }) => code));
    expect(listed.filter((code) => !Number.isNaN(code)).sort()).toEqual([...codes].sort());
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
