/** The rooms of edge/web import one way: page → element → client. Browsers load them by these paths. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { expect, test } from 'vitest';

const WEB = new URL('../../../../edge/web/', import.meta.url).pathname;
/** A room imports itself and the rooms after it. The root, with the documented addresses, imports any. */
const ORDER = ['.', 'types', 'page', 'element', 'client'];

const imports = globSync('**/*.ts', { cwd: WEB }).flatMap((file) =>
  [...readFileSync(join(WEB, file), 'utf8').matchAll(/(?:from|import) '(\.[^']+)'/g)].map(
    ([, path = '']) => ({
      file,
      imported: normalize(join(dirname(file), path)),
    }),
  ),
);

test('no room imports one that is built on it', () => {
  expect(imports.length).toBeGreaterThan(30);
  const floor = (path: string) => ORDER.indexOf(dirname(path));
  expect(imports.filter(({ file }) => floor(file) === -1)).toEqual([]);
  expect(imports.filter(({ file, imported }) => floor(imported) < floor(file))).toEqual([]);
});

test('no module imports itself through others', () => {
  const importsOf = Map.groupBy(imports, ({ file }) => file.replace(/\.ts$/, '.js'));
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    (importsOf.get(from) ?? []).some(({ imported }) => {
      if (imported === goal) return true;
      if (seen.has(imported)) return false;
      seen.add(imported);
      return reaches(imported, goal, seen);
    });
  expect([...importsOf.keys()].filter((module) => reaches(module, module))).toEqual([]);
});
